'use strict';
// A client's reaction to each message of a broker, which is a raw socket.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const pigato = require('..');
const { collect, event, requested } = require('./fleet');
const { errorOf, next, rawBroker, texts } = require('./raw-peer');

/** A client at a raw broker: both, and the client's first message. */
async function started(t, conf) {
  const router = await rawBroker(t);
  const client = new pigato.Client(router.lastEndpoint, conf);
  t.after(() => client.stop());
  const seen = [];
  for (const name of ['connect', 'error']) client.on(name, (value) => seen.push(value ?? name));
  client.start();
  const hello = texts(await router.receive());
  return { router, client, seen, hello };
}

async function connected(t, conf) {
  const all = await started(t, conf);
  const connect = event(all.client, 'connect');
  await all.router.send([all.client.socketId, 'C', '4']);
  await connect;
  return all;
}

test("'connect' is emitted when the broker has answered, not before", async (t) => {
  const router = await rawBroker(t);
  let isAnswered = false;
  const client = new pigato.Client(router.lastEndpoint, { heartbeat: 20 });
  t.after(() => client.stop());
  const connect = new Promise((resolve) => {
    client.conf.onConnect = () => resolve(isAnswered);
  });
  client.start();
  await next(router, 'C', '4');
  await next(router, 'C', '4'); // a heartbeat interval has passed
  isAnswered = true;
  await router.send([client.socketId, 'C', '4']);
  assert.equal(await connect, true);
});

for (const status of ['', '0']) {
  test(`replies with the status '${status}' are successful`, async (t) => {
    const { router, client } = await connected(t);
    const replies = [['6', '"one"'], ['6', '"two"'], ['3', '"three"']];
    const answer = async () => {
      const [id, , , , rid] = await next(router, 'C', '2');
      for (const [type, data] of replies) await router.send([id, 'C', type, '', rid, status, data]);
    };
    const [callbacks] = await Promise.all([requested(client, 'foo', 'bar'), answer()]);
    assert.deepEqual(callbacks, { error: 0, final: 'three', partials: [[null, 'one'], [null, 'two']] });
    const [stream] = await Promise.all([collect(client.request('foo', 'bar')), answer()]);
    assert.deepEqual(stream, ['one', 'two', 'three']);
    replies.splice(0, 2);
    const [alone] = await Promise.all([requested(client, 'foo', 'bar'), answer()]);
    assert.deepEqual(alone, { error: 0, final: 'three', partials: [] });
  });
}

test("invalid messages are 'error' events with a name, and the request goes on", async (t) => {
  const { router, client } = await connected(t);
  const answer = requested(client, 'foo', 'bar');
  const [id, , , , rid] = await next(router, 'C', '2');
  for (const [frames, name] of [
    [['C', '3'], 'ERR_MSG_LENGTH'],
    [['C', '3', '', 'unknown', '', '"bar"'], 'ERR_REQ_INVALID'],
    [['C', '999', '', rid, '', '"DATA"'], 'ERR_MSG_TYPE'],
    [['X', '3', '', rid, '', '"DATA"'], 'ERR_MSG_HEADER'],
  ]) {
    const error = errorOf(client);
    await router.send([id, ...frames]);
    assert.equal(await error, name);
  }
  await router.send([id, 'C', '3', '', rid, '', '"good"']);
  assert.deepEqual(await answer, { error: 0, final: 'good', partials: [] });
  const second = errorOf(client);
  await router.send([id, 'C', '3', '', rid, '', '"again"']);
  assert.equal(await second, 'ERR_REQ_INVALID');
});

test('a message to another identity is ignored', async (t) => {
  const { router, client, seen } = await started(t, { heartbeat: 20 });
  await router.send([`${client.socketId}x`, 'C', '4']);
  await next(router, 'C', '4');
  assert.deepEqual(seen, []);
});

test('heartbeats are sent regularly, and with the request id on stream.heartbeat()', async (t) => {
  const { router, client } = await connected(t, { heartbeat: 20 });
  for (let count = 0; count < 3; count += 1) {
    const [id] = await next(router, 'C', '4');
    await router.send([id, 'C', '4']);
  }
  const slow = await connected(t, { heartbeat: 60_000 });
  const stream = slow.client.request('foo', 'bar');
  stream.on('error', () => {});
  const [, , , , rid] = await next(slow.router, 'C', '2');
  stream.heartbeat();
  assert.deepEqual(await next(slow.router, 'C', '4'), [slow.client.socketId, 'C', '4', 'request', rid]);
  client.heartbeat();
  client.heartbeat('an id that no request has');
});

test('a request without a reply fails with C_TIMEOUT at any heartbeat interval', async (t) => {
  for (const heartbeat of [20, 60_000]) {
    const { router, client } = await connected(t, { heartbeat });
    const answer = requested(client, 'foo', 'bar', { timeout: 10 });
    const [, , , , , , options] = await next(router, 'C', '2');
    assert.deepEqual(JSON.parse(options), { timeout: 10, retry: 0 });
    assert.deepEqual(await answer, { error: 'C_TIMEOUT', final: null, partials: [] });
  }
});

test('data that is not JSON fails its request', async (t) => {
  const { router, client, seen } = await connected(t);
  const answer = requested(client, 'foo', 'bar');
  const [id, , , , rid] = await next(router, 'C', '2');
  await router.send([id, 'C', '3', '', rid, '0', '{"broken']);
  assert.equal((await answer).error, 'E_DATA');
  assert.deepEqual(seen, ['connect']);
});

test("a silent broker: 'disconnect', a new identity, 'connect'", async (t) => {
  const { router, client, hello } = await connected(t, { heartbeat: 30, reconnect: 1 });
  const disconnect = event(client, 'disconnect');
  await disconnect;
  let id = hello[0];
  while (id === hello[0]) [id] = await next(router, 'C', '4');
  const connect = event(client, 'connect');
  await router.send([id, 'C', '4']);
  await connect;
  assert.equal(client.socketId, id);
});
