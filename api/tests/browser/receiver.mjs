// Receives webhooks as somebody else's server would: with the specification's own library. Each line on stdin is the
// secret to check with from there on. Says on stdout first its port, then each request: what was in it, or why it was
// refused.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

let webhook;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

createInterface({ input: process.stdin }).on("line", (secret) => {
  webhook = new Webhook(secret);
  say({ secret: true });
});

const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  try {
    const payload = webhook.verify(body, request.headers);
    say({ id: request.headers["webhook-id"], signature: request.headers["webhook-signature"], payload });
    response.writeHead(204).end();
  } catch (error) {
    say({ refused: String(error) });
    response.writeHead(400).end();
  }
});
server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));
