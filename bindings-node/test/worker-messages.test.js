'use strict';
// A worker's reaction to each message of a broker, which is a raw socket.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const pigato = require('..');
const { event } = require('./fleet');
const { errorOf, next, rawBroker } = require('./raw-peer');

/** A worker at a raw broker: both, and its identity. */
async function started(t, conf, listener) {
  const router = await rawBroker(t);
  const worker = new pigato.Worker(router.lastEndpoint, 'worker', conf);
  t.after(() => worker.stop());
  if (listener) worker.on('request', listener);
  worker.start();
  const [id] = await next(router, 'W', '1');
  assert.equal(id, worker.socketId);
  return { router, worker, id };
}

const echo = (data, reply) => reply.end(data);

test("'connect' is emitted with the first message of the broker, of any type", async (t) => {
  for (const first of [['W', '1'], ['W', '4'], ['W', '2', 'client', 'worker', '', 'rid', '1']]) {
    const { router, worker, id } = await started(t, {}, echo);
    let calls = 0;
    worker.conf.onConnect = () => {
      calls += 1;
    };
    const connect = event(worker, 'connect');
    await router.send([id, ...first]);
    await connect;
    assert.equal(calls, 1);
  }
});

test('heartbeats with the concurrency are sent regularly, also while requests are open', async (t) => {
  const { router, id } = await started(t, { concurrency: 42, heartbeat: 20 }, () => {});
  for (let count = 0; count < 3; count += 1) {
    await router.send([id, 'W', '2', 'client', 'worker', '', `rid-${count}`]);
    const [, , , empty, options] = await next(router, 'W', '4');
    assert.deepEqual([empty, JSON.parse(options)], ['', { concurrency: 42 }]);
    await router.send([id, 'W', '4']);
  }
});

test('a client\'s side tag is ERR_MSG_HEADER, an unknown type ERR_MSG_TYPE, and the worker goes on', async (t) => {
  const { router, worker, id } = await started(t, {}, echo);
  for (const [frames, name] of [
    [['C', '2'], 'ERR_MSG_HEADER'],
    [['C', '2', 'client', 'worker', '', 'rid', '1'], 'ERR_MSG_HEADER'],
    [['W', '999'], 'ERR_MSG_TYPE'],
  ]) {
    const error = errorOf(worker);
    await router.send([id, ...frames]);
    assert.equal(await error, name);
  }
  await router.send([id, 'W', '2', 'client', 'worker', '', 'rid', '1', '{}']);
  assert.equal((await next(router, 'W', '3'))[5], 'rid');
});

test('a listener receives the data of each kind of request', async (t) => {
  const { router, worker, id } = await started(t, {});
  const complex = { foo: 'bar', life: 42, tables: [], obj: { foo: 'baz' } };
  for (const [frames, expected, options] of [
    [['"foo"'], 'foo', {}],
    [['{}', '{}'], {}, {}],
    [[JSON.stringify(complex), '{"timeout":5}'], complex, { timeout: 5 }],
    [[], null, {}],
    [[''], null, {}],
    [['undefined', 'undefined'], null, {}],
    [['not JSON', 'not JSON'], null, {}],
  ]) {
    const request = event(worker, 'request');
    await router.send([id, 'W', '2', 'client', 'worker', '', `rid ${frames}`, ...frames]);
    const [data, reply, received] = await request;
    assert.deepEqual([data, typeof reply, received], [expected, 'object', options]);
    reply.end();
  }
});

test('a reply has the client, an empty frame, the request id, the status and the data', async (t) => {
  const { router, id } = await started(t, {}, echo);
  for (const [empty, data] of [['', '"HELLO"'], ['not empty', '{"foo":"bar","toto":42}'], ['', 'null']]) {
    await router.send([id, 'W', '2', 'clientId', 'service', empty, 'requestId', data]);
    assert.deepEqual(await next(router, 'W', '3'), [id, 'W', '3', 'clientId', '', 'requestId', '0', data, '{}']);
  }
});

test('a request without an id is an error, and the worker goes on', async (t) => {
  const { router, worker, id } = await started(t, {}, echo);
  for (const [frames, name] of [
    [[], 'ERR_MSG_LENGTH'],
    [['client', 'worker', ''], 'ERR_REQ_INVALID'],
    [['client', 'worker', '', ''], 'ERR_REQ_INVALID'],
  ]) {
    const error = errorOf(worker);
    await router.send([id, 'W', '2', ...frames]);
    assert.equal(await error, name, `${frames}`);
  }
  await router.send([id, 'W', '2', 'client', 'worker', '', 'rid', '1', '{}']);
  assert.equal((await next(router, 'W', '3'))[5], 'rid');
});

test('requests beyond the concurrency are handled too, and answered in any order', async (t) => {
  const replies = [];
  const { router, worker, id } = await started(t, { concurrency: 1 }, (data, reply) => {
    replies.push(reply);
    if (replies.length === 3) worker.emit('all');
  });
  const all = event(worker, 'all');
  for (const rid of ['1', '2', '3']) await router.send([id, 'W', '2', 'client', 'worker', '', rid]);
  await all;
  for (const reply of replies.reverse()) reply.end('HELLO');
  for (const rid of ['3', '2', '1']) assert.equal((await next(router, 'W', '3'))[5], rid);
});

test('a message to another identity is ignored', async (t) => {
  const { router, id } = await started(t, {}, echo);
  await router.send([`${id}x`, 'W', '2', 'client', 'worker', '', 'rid-1', '1']);
  await router.send([id, 'W', '2', 'client', 'worker', '', 'rid-2', '2']);
  assert.equal((await next(router, 'W', '3'))[5], 'rid-2');
});

test('stop sends a disconnect and emits its events', async (t) => {
  const { router, worker, id } = await started(t, {});
  const seen = [];
  for (const name of ['disconnect', 'stop']) worker.on(name, () => seen.push(name));
  worker.conf.onDisconnect = () => seen.push('onDisconnect');
  worker.stop();
  assert.deepEqual(seen, ['disconnect', 'onDisconnect', 'stop']);
  assert.equal((await next(router, 'W', '5'))[0], id);
});

test('a silent broker: heartbeats, disconnect, and ready under a new identity', async (t) => {
  const { router, worker, id } = await started(t, { heartbeat: 30, reconnect: 1 });
  const connect = event(worker, 'connect');
  const disconnect = event(worker, 'disconnect');
  await router.send([id, 'W', '1']);
  await connect;
  await next(router, 'W', '4');
  await next(router, 'W', '4');
  await disconnect;
  const [second] = await next(router, 'W', '1');
  assert.notEqual(second, id);
  const again = event(worker, 'connect');
  await router.send([second, 'W', '1']);
  await again;
  assert.equal(worker.socketId, second);
});

test('a broker that sends a disconnect: ready under a new identity, and open replies become inactive', async (t) => {
  const { router, worker, id } = await started(t, { reconnect: 1 });
  const request = event(worker, 'request');
  await router.send([id, 'W', '2', 'client', 'worker', '', 'rid']);
  const [, reply] = await request;
  assert.equal(reply.active(), true);
  const closed = event(reply, 'close');
  await router.send([id, 'W', '5']);
  await closed;
  assert.equal(reply.active(), false);
  assert.notEqual((await next(router, 'W', '1'))[0], id);
});

test('a heartbeat for a request keeps it active', async (t) => {
  const { router, worker, id } = await started(t, { heartbeat: 50 });
  const request = event(worker, 'request');
  await router.send([id, 'W', '2', 'client', 'worker', '', 'rid']);
  const [, reply] = await request;
  for (let count = 0; count < 6; count += 1) {
    await router.send([id, 'W', '4', 'client', '', 'rid']);
    await next(router, 'W', '4');
    assert.equal(reply.active(), true);
  }
  while (reply.active()) {
    await next(router, 'W', '4');
    await router.send([id, 'W', '4']);
  }
  reply.end('late');
  assert.equal((await next(router, 'W', '3'))[5], 'rid');
});
