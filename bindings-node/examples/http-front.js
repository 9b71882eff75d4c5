'use strict';
// HTTP in front of services: `POST /SERVICE` with JSON gives the final reply, `GET /SERVICE?data=JSON` gives all replies as
// server-sent events. `http-front.js [ADDRESS] [PORT]`; needs `npm install fastify`.

const { once } = require('node:events');
const fastify = require('fastify');
const { Client } = require('pigato');

const [address = 'tcp://127.0.0.1:55555', port = '8080'] = process.argv.slice(2);
const client = new Client(address);
client.start();
const server = fastify();

/** A signal that is aborted when the browser goes away. */
function gone(response) {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}

server.post('/:service', async (request, reply) => {
  try {
    return { data: await client.call(request.params.service, request.body, { failFast: true, signal: gone(reply.raw) }) };
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
    return reply.code(400).send({ error: '`data` is no JSON' });
  }
  reply.hijack();
  const response = reply.raw;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const signal = gone(response);
  try {
    for await (const part of client.stream(request.params.service, data, { failFast: true, signal })) {
      // A browser that reads slowly slows the worker.
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
