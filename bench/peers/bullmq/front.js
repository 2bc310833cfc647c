// Front: accepts jobs, and pushes their results, which BullMQ tells through a stream in Redis.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Queue, QueueEvents } from 'bullmq';
import { QUEUE, connection, openDatabase } from './settings.js';

const database = openDatabase();
await database.query('CREATE TABLE IF NOT EXISTS peer_results (id CHAR(36) PRIMARY KEY, user_id INT, result JSON)');

const queue = new Queue(QUEUE, { connection, defaultJobOptions: { attempts: 3, removeOnComplete: true } });
const results = new QueueEvents(QUEUE, { connection });
await results.waitUntilReady();

const streams = new Map(); // user -> open responses
results.on('completed', ({ jobId, returnvalue }) => {
  const data = `data: ${JSON.stringify({ id: jobId, status: 'succeeded' })}\n\n`;
  for (const stream of streams.get(returnvalue.user) ?? []) stream.write(data);
});

async function submit(user, response) {
  const id = randomUUID();
  await queue.add('job', { user }, { jobId: id });
  response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ id }));
}

function watch(user, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  const open = streams.get(user) ?? new Set();
  streams.set(user, open.add(response));
  response.on('close', () => open.delete(response));
}

const server = createServer(async (request, response) => {
  const [, what, user] = request.url.split('/');
  request.resume();
  if (what === 'readyz') return response.writeHead(204).end();
  if (what === 'events') return watch(user, response);
  return submit(user, response);
});
server.listen(Number(process.env.PORT), '127.0.0.1');
