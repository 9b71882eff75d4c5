'use strict';
// Messages frame by frame: the peer is a raw ZeroMQ socket.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const pigato = require('..');
const { Fleet, event } = require('./fleet');
const { errorOf, next, rawBroker, rawPeer, texts } = require('./raw-peer');

test('a client: hello, request, partial and final reply', async (t) => {
  const router = await rawBroker(t);
  const client = new pigato.Client(router.lastEndpoint, { prefix: 'P' });
  t.after(() => client.stop());
  client.start();
  const hello = texts(await router.receive());
  assert.equal(hello[0], client.socketId);
  assert.deepEqual(hello.slice(1, 3), ['C', '4']);
  await router.send([hello[0], 'C', '4']);
  await event(client, 'connect');

  const answer = new Promise((resolve) => {
    const partials = [];
    client.request('echo', { a: 1 }, (_, data) => partials.push(data), (error, data) => resolve([error, data, partials]));
  });
  const [id, side, type, service, rid, data, options] = await next(router, 'C', '2');
  assert.deepEqual([side, type, service, data], ['C', '2', 'echo', '{"a":1}']);
  const { timeout, retry } = JSON.parse(options);
  assert.deepEqual([timeout, Number(retry)], [60000, 0]);
  await router.send([id, 'C', '6', '', rid, '0', '"part"', '{}']);
  await router.send([id, 'C', '3', '', rid, '0', '"final"']); // without options, as the published Ruby worker sends it
  assert.deepEqual(await answer, [0, 'final', ['part']]);

  const heard = errorOf(client);
  await router.send([id, 'C', '3', '', 'unknown', '0', '1', '{}']);
  assert.equal(await heard, 'ERR_REQ_INVALID');
  const header = errorOf(client);
  await router.send([id, 'W', '4']);
  assert.equal(await header, 'ERR_MSG_HEADER');
});

test('a worker: ready, concurrency, request, replies, disconnect', async (t) => {
  const router = await rawBroker(t);
  const worker = new pigato.Worker(router.lastEndpoint, 'echo', { concurrency: 7 });
  worker.on('error', (error) => worker.emit('failure', error));
  worker.on('request', (data, reply, options) => {
    if (data === null) reply.error(options);
    else if (data === 'reject') reply.reject('busy');
    else {
      reply.opts.cache = 5;
      reply.write(data);
      reply.end();
    }
  });
  worker.start();
  const ready = await next(router, 'W', '1');
  assert.deepEqual([ready[0], ready[3]], [worker.socketId, 'echo']);
  const [id] = ready;
  await router.send([id, 'W', '1']);
  const heartbeat = await next(router, 'W', '4');
  assert.equal(JSON.parse(heartbeat[4]).concurrency, 7);

  await router.send([id, 'W', '2', 'client', 'echo', '', 'rid-1', '"x"', '{"a":1}']);
  assert.deepEqual(await next(router, 'W', '6'), [id, 'W', '6', 'client', '', 'rid-1', '0', '"x"', '{"cache":5}']);
  assert.deepEqual(await next(router, 'W', '3'), [id, 'W', '3', 'client', '', 'rid-1', '0', 'null', '{"cache":5}']);
  await router.send([id, 'W', '2', 'client', 'echo', '', 'rid-2', 'undefined', '']);
  assert.deepEqual((await next(router, 'W', '3')).slice(5, 8), ['rid-2', '-1', '{}']);
  await router.send([id, 'W', '2', 'client', 'echo', '', 'rid-3', '"reject"', '{}']);
  assert.deepEqual((await next(router, 'W', '7')).slice(5, 8), ['rid-3', '0', '"busy"']);

  const failure = event(worker, 'failure');
  await router.send([id, 'W', '9x']);
  assert.equal((await failure)[0], 'ERR_MSG_TYPE');

  const stopped = worker.stop();
  await next(router, 'W', '5');
  await router.send([id, 'W', '5']);
  await stopped;
});

test("a broker answers a raw client; an unknown side tag is an 'error' event", async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('echo', (data, reply) => reply.end(data));
  const dealer = rawPeer(t, fleet.endpoint, 'raw');
  await dealer.send(['C', '4']);
  assert.deepEqual(texts(await dealer.receive()), ['C', '4']);
  await dealer.send(['C', '2', 'echo', 'rid-1', '"hello"', '']);
  assert.deepEqual(texts(await dealer.receive()), ['C', '3', '', 'rid-1', '0', '"hello"', '{}']);
  const heard = errorOf(fleet.broker);
  await dealer.send(['X', '1']);
  assert.equal(await heard, 'ERR_MSG_HEADER');
});

test('a broker acknowledges a raw worker, sends it a request, and acknowledges its disconnect', async (t) => {
  const fleet = await Fleet.for(t);
  const dealer = rawPeer(t, fleet.endpoint, 'worker');
  const joined = event(fleet.broker, 'workerJoined');
  await dealer.send(['W', '1', 'echo']);
  assert.deepEqual(texts(await dealer.receive()), ['W', '1']);
  assert.deepEqual((await joined)[0], { worker: 'worker', service: 'echo' });
  const call = fleet.client().call('echo', 'x');
  const request = await next(dealer, 'W', '2');
  const [, , client, service, empty, rid, data] = request;
  assert.deepEqual([service, empty, data], ['echo', '', '"x"']);
  await dealer.send(['W', '3', client, '', rid, '0', '"y"', '{}']);
  assert.equal(await call, 'y');
  const left = event(fleet.broker, 'workerLeft');
  await dealer.send(['W', '5']);
  await next(dealer, 'W', '5');
  assert.deepEqual((await left)[0], { worker: 'worker', service: 'echo', reason: 'disconnected' });
});
