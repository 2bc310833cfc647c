// Worker: the photo from S3 to the analyzer, if there is one, and a row with the result.
import { Worker } from 'bullmq';
import { Agent, FormData, request } from 'undici';
import { QUEUE, connection, openDatabase } from './settings.js';

const CONCURRENCY = 256;
const { ANALYZER_URL, PHOTO_URL } = process.env;

const database = openDatabase();
const dispatcher = new Agent({ connections: 64 });

async function work() {
  if (!ANALYZER_URL) return '{"greeting":"Hello, Ada!"}';
  const photo = await (await request(PHOTO_URL, { dispatcher })).body.arrayBuffer();
  const form = new FormData();
  form.set('user_id', '0');
  form.set('file', new Blob([photo]), 'photo');
  const { statusCode, body } = await request(`${ANALYZER_URL}/analyze-color`, { method: 'POST', body: form, dispatcher });
  const result = await body.text();
  if (statusCode !== 200) throw new Error(`the analyzer: ${statusCode}`);
  return result;
}

const worker = new Worker(
  QUEUE,
  async (job) => {
    const result = await work();
    await database.execute('INSERT IGNORE INTO peer_results VALUES (?, ?, ?)', [job.id, job.data.user, result]);
    return { user: job.data.user };
  },
  { connection, concurrency: CONCURRENCY },
);
worker.on('error', (error) => console.error(error.message));
