'use strict';
// Changes of `conf` take effect at once or at the next start.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const pigato = require('..');
const { Fleet, event } = require('./fleet');
const { next, rawBroker } = require('./raw-peer');

test('a request has the timeout and retry that conf contains when it is made', async (t) => {
  const router = await rawBroker(t);
  const client = new pigato.Client(router.lastEndpoint);
  t.after(() => client.stop());
  client.start();
  const sent = async (options) => {
    client.request('foo', 'bar', options).on('error', () => {});
    const { timeout, retry } = JSON.parse((await next(router, 'C', '2'))[6]);
    return [timeout, Number(retry)];
  };
  assert.deepEqual(await sent(), [60_000, 0]);
  Object.assign(client.conf, { timeout: 70_000, retry: 1 });
  assert.deepEqual(await sent(), [70_000, 1]);
  assert.deepEqual(await sent({ mine: 1 }), [70_000, 1]);
  assert.deepEqual(await sent({ timeout: -1, retry: 0 }), [-1, 0]);
  delete client.conf.timeout;
  delete client.conf.retry;
  assert.deepEqual(await sent(), [60_000, 0]);
});

test('a worker announces a changed or deleted concurrency at once', async (t) => {
  const router = await rawBroker(t);
  const worker = new pigato.Worker(router.lastEndpoint, 'foo', { concurrency: 3, heartbeat: 60_000 });
  t.after(() => worker.stop());
  worker.start();
  const announced = async () => JSON.parse((await next(router, 'W', '4'))[4]).concurrency;
  assert.equal(await announced(), 3);
  worker.conf.concurrency = 2;
  assert.equal(await announced(), 2);
  worker.conf.concurrency = -1;
  assert.equal(await announced(), -1);
  delete worker.conf.concurrency;
  assert.equal(await announced(), 100);
});

for (const [role, make, type] of [
  ['client', (endpoint) => new pigato.Client(endpoint), ['C', '4']],
  ['worker', (endpoint) => new pigato.Worker(endpoint, 'foo'), ['W', '1']],
]) {
  test(`a ${role} reads prefix and heartbeat at its next start`, async (t) => {
    const router = await rawBroker(t);
    const peer = make(router.lastEndpoint);
    t.after(() => peer.stop());
    const started = async () => {
      peer.start();
      const [id, , , ...rest] = await next(router, ...type);
      return [id.slice(0, 5), JSON.parse(rest.at(-1)).heartbeat];
    };
    Object.assign(peer.conf, { prefix: 'early', heartbeat: 50_000 });
    assert.deepEqual(await started(), ['early', 50_000]);
    Object.assign(peer.conf, { prefix: 'later', heartbeat: 40_000 });
    assert.deepEqual(await started(), ['later', 40_000]);
    delete peer.conf.heartbeat;
    assert.deepEqual(await started(), ['later', 2500]);
  });

  test(`a ${role} calls the onConnect and onDisconnect that conf contains at that moment`, async (t) => {
    const fleet = await Fleet.for(t);
    const peer = fleet.keep(make(fleet.endpoint));
    const seen = [];
    for (const round of ['first', 'second']) {
      peer.conf.onConnect = () => seen.push(`${round} connect`);
      peer.conf.onDisconnect = () => seen.push(`${round} disconnect`);
      const connect = event(peer, 'connect');
      peer.start();
      await connect;
      await new Promise(setImmediate); // 'connect' is emitted before onConnect is called
      await peer.stop();
    }
    peer.conf.onConnect = null;
    delete peer.conf.onDisconnect;
    const connect = event(peer, 'connect');
    peer.start();
    await connect;
    await peer.stop();
    assert.deepEqual(seen, ['first connect', 'first disconnect', 'second connect', 'second disconnect']);
  });
}

test('a broker calls the onStart and onStop that conf contains at that moment', async (t) => {
  const broker = new pigato.Broker('tcp://127.0.0.1:*', { intch: null });
  t.after(() => broker.stop());
  const seen = [];
  for (const round of ['first', 'second']) {
    broker.conf.onStart = () => seen.push(`${round} start`);
    await broker.start();
    broker.conf.onStop = () => seen.push(`${round} stop`);
    await broker.stop();
  }
  delete broker.conf.onStart;
  broker.conf.onStop = undefined;
  await broker.start();
  await broker.stop();
  assert.deepEqual(seen, ['first start', 'first stop', 'second start', 'second stop']);
});

test('800 clients that start and stop leave room for another one', async (t) => {
  const fleet = await Fleet.for(t);
  for (let round = 0; round < 4; round += 1) {
    const clients = Array.from({ length: 200 }, () => new pigato.Client(fleet.endpoint));
    for (const client of clients) client.start();
    await Promise.all(clients.map((client) => client.stop()));
  }
  await event(fleet.client(), 'connect');
});
