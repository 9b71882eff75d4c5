'use strict';
// An HTTP server in front of services: `http-front.js [ADDRESS] [PORT]`. `POST /SERVICE` with JSON
// returns the final reply, `GET /SERVICE?data=JSON` returns all replies as server-sent events.
// Needs broker.js and `npm install fastify`.

const { once } = require('node:events');
const fastify = require('fastify');
const { Client } = require('pigato');

const [address = 'tcp://127.0.0.1:55555', port = '8080'] = process.argv.slice(2);
const client = new Client(address);
client.start();
const server = fastify();

/** A signal that is aborted when the browser disconnects. */
function disconnectSignal(response) {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}

server.post('/:service', async (request, reply) => {
  try {
    const options = { failFast: true, signal: disconnectSignal(reply.raw) };
    return { data: await client.call(request.params.service, request.body, options) };
  } catch (error) {
    reply.code(error.code === 'B_NO_WORKER' ? 404 : 502);
    return { error: error.value ?? error.code };
  }
});

server.get('/:service', async (request, reply) => {
  let data;
  try {
    data = JSON.parse(request.query.data ?? 'null');
  } catch {
    return reply.code(400).send({ error: '`data` must be JSON' });
  }
  reply.hijack();
  const response = reply.raw;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const signal = disconnectSignal(response);
  try {
    for await (const part of client.stream(request.params.service, data, { failFast: true, signal })) {
      // Waiting for a slow browser pauses the worker.
      if (!response.write(`data: ${JSON.stringify(part)}\n\n`)) await once(response, 'drain', { signal });
    }
    response.end('event: end\ndata: null\n\n');
  } catch (error) {
    response.end(`event: failure\ndata: ${JSON.stringify(error.value ?? error.code)}\n\n`);
  }
  return undefined;
});

server.listen({ port: Number(port) }).then((url) => console.log(`listening at ${url}`));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await server.close();
    await client.stop();
  });
}
