'use strict';
// The extensions of protocol version 1, frame by frame: the peer is a raw socket.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const pigato = require('..');
const { Fleet, collect, event } = require('./fleet');
const { next, rawBroker, rawPeer, texts } = require('./raw-peer');

const CAPABILITIES = ['cancel', 'credit', 'codec'];
const BYTES = Buffer.from(Array.from({ length: 256 }, (_, at) => at));

const hello = (more) => JSON.stringify({ v: 1, caps: CAPABILITIES, heartbeat: 60_000, ...more });

/** A worker at a raw broker that has announced version 1. */
async function workerAtRawBroker(t, prepare, conf) {
  const router = await rawBroker(t);
  const worker = new pigato.Worker(router.lastEndpoint, 'echo', { heartbeat: 60_000, ...conf });
  t.after(() => worker.stop());
  prepare(worker);
  worker.start();
  const ready = await next(router, 'W', '1');
  await router.send([ready[0], 'W', '1', hello({ name: 'B-1' })]);
  const request = (rid, { data = '1', options = '{}', ...metadata } = {}) =>
    router.send([ready[0], 'W', '2', 'client', 'echo', '', rid, data, options, JSON.stringify({ remaining: -1, attempt: 1, ...metadata })]);
  return { router, worker, ready, request };
}

/** A client at a raw broker that has announced version 1. */
async function clientAtRawBroker(t, conf) {
  const router = await rawBroker(t);
  const client = new pigato.Client(router.lastEndpoint, { heartbeat: 60_000, ...conf });
  t.after(() => client.stop());
  client.start();
  const first = texts(await router.receive());
  const connect = event(client, 'connect');
  await router.send([first[0], 'C', '4', hello({ name: 'B-1', session: 1 })]);
  await connect;
  return { router, client, first };
}

/** A raw client with credit, at a broker of this package. */
async function rawClient(t, endpoint, credit) {
  const dealer = rawPeer(t, endpoint, 'raw');
  await dealer.send(['C', '4', hello({ credit, session: 1 })]);
  const [, , answer] = await next(dealer, 'C', '4');
  return { dealer, answer: JSON.parse(answer) };
}

test('a client announces its capabilities and its credit', async (t) => {
  const { first } = await clientAtRawBroker(t, { heartbeat: 1234 });
  const { v, caps, heartbeat, credit } = JSON.parse(first[3]);
  assert.deepEqual([v, caps, heartbeat], [1, CAPABILITIES, 1234]);
  assert.ok(credit > 0);
});

test('a worker announces its capabilities, and its handler receives the attempt', async (t) => {
  const prepare = (self) => self.handle((_, context) => self.emit('handled', context.attempt));
  const { worker, ready, request } = await workerAtRawBroker(t, prepare, { concurrency: 3 });
  const { v, caps, concurrency } = JSON.parse(ready[4]);
  assert.deepEqual([v, caps, concurrency], [1, CAPABILITIES, 3]);
  const handled = event(worker, 'handled');
  await request('rid', { attempt: 4 });
  assert.deepEqual(await handled, [4]);
});

test('a broker answers an announcement with its own, and sends metadata to workers', async (t) => {
  const fleet = await Fleet.for(t, { name: 'mine' });
  const { dealer, answer } = await rawClient(t, fleet.endpoint, 7);
  assert.deepEqual([answer.v, answer.caps], [1, CAPABILITIES]);
  assert.match(answer.name, /^mine/);
  const worker = rawPeer(t, fleet.endpoint, 'raw worker');
  await worker.send(['W', '1', 'echo', hello({ concurrency: 1 })]);
  const [, , ready] = await next(worker, 'W', '1');
  assert.equal(JSON.parse(ready).name, answer.name);
  await dealer.send(['C', '2', 'echo', 'rid', '1', '{"timeout":-1}']);
  const request = await next(worker, 'W', '2');
  assert.deepEqual(JSON.parse(request.at(-1)), { remaining: -1, attempt: 1, credit: 7 });
});

for (const [how, prepare] of [
  ['an aborted call', (client) => {
    const controller = new AbortController();
    client.call('echo', 1, { signal: controller.signal }).catch(() => {});
    return () => controller.abort();
  }],
  ['a destroyed stream', (client) => {
    const stream = client.request('echo', 1);
    return () => stream.destroy();
  }],
  ['a loop that is left', (client) => {
    const replies = client.stream('echo', 1);
    return () => replies.return();
  }],
  ['a stop', (client) => {
    client.call('echo', 1).catch(() => {});
    return () => client.stop();
  }],
]) {
  test(`${how} sends a cancel to the broker`, async (t) => {
    const { router, client, first } = await clientAtRawBroker(t);
    const cancel = prepare(client);
    const [, , , , rid] = await next(router, 'C', '2');
    cancel();
    assert.deepEqual(await next(router, 'C', '8'), [first[0], 'C', '8', '', rid]);
  });
}

test('a timeout sends a cancel to the broker', async (t) => {
  const { router, client, first } = await clientAtRawBroker(t);
  const call = client.call('echo', 1, { timeout: 10 }).catch((error) => error.code);
  const [, , , , rid] = await next(router, 'C', '2');
  assert.equal(await call, 'C_TIMEOUT');
  assert.deepEqual(await next(router, 'C', '8'), [first[0], 'C', '8', '', rid]);
});

test('a cancel aborts the handler\'s signal, and its late answer is not sent', async (t) => {
  const signals = [];
  let answer;
  const { router, worker, request } = await workerAtRawBroker(t, (self) =>
    self.handle((data, { signal }) => {
      if (data === 2) return 'second';
      signals.push(signal);
      self.emit('taken');
      return new Promise((resolve) => {
        answer = resolve;
      });
    }));
  const taken = event(worker, 'taken');
  await request('rid-1');
  await taken;
  const aborted = event(signals[0], 'abort');
  await router.send([worker.socketId, 'W', '8', 'client', '', 'rid-1']);
  await aborted;
  assert.equal(signals[0].reason.code, 'C_CANCELLED');
  answer('late');
  await new Promise(setImmediate);
  await request('rid-2', { data: '2' });
  assert.deepEqual((await next(router, 'W', '3')).slice(5, 8), ['rid-2', '0', '"second"']);
});

test('a cancel makes a reply inactive and closes it', async (t) => {
  const { router, worker, request } = await workerAtRawBroker(t, () => {});
  const arrived = event(worker, 'request');
  await request('rid');
  const [, reply] = await arrived;
  assert.equal(reply.active(), true);
  const closed = event(reply, 'close');
  await router.send([worker.socketId, 'W', '8', 'client', '', 'rid']);
  await closed;
  assert.equal(reply.active(), false);
});

test('a broker passes a cancel on to the worker', async (t) => {
  const fleet = await Fleet.for(t);
  const { dealer } = await rawClient(t, fleet.endpoint, 0);
  const worker = fleet.worker('long');
  const arrived = event(worker, 'request');
  await dealer.send(['C', '2', 'long', 'rid', '1', '{"timeout":-1}']);
  const [, reply] = await arrived;
  const closed = event(reply, 'close');
  await dealer.send(['C', '8', '', 'rid']);
  await closed;
  assert.equal(reply.active(), false);
});

test("a worker writes as much as its credit allows: write returns false, 'drain' follows the grant", async (t) => {
  const { router, worker, request } = await workerAtRawBroker(t, () => {});
  const arrived = event(worker, 'request');
  await request('rid', { credit: 2 });
  const [, reply] = await arrived;
  let drains = 0;
  reply.on('drain', () => {
    drains += 1;
  });
  let written = 0;
  while (reply.write(written)) written += 1;
  written += 1;
  for (let at = 0; at < 2; at += 1) assert.equal((await next(router, 'W', '6'))[7], String(at));
  // Other messages do not release the partial replies that wait for the grant.
  await router.send([worker.socketId, 'W', '4', 'client', '', 'rid']);
  worker.heartbeat();
  assert.deepEqual((await next(router, 'W', '4')).slice(1, 3), ['W', '4']);
  assert.equal(drains, 0);
  const drained = event(reply, 'drain');
  const grant = () => router.send([worker.socketId, 'W', '9', 'client', '', 'rid', String(written)]);
  await grant();
  for (let at = 2; at < written; at += 1) assert.equal((await next(router, 'W', '6'))[7], String(at));
  await drained;
  reply.end('done');
  assert.equal((await next(router, 'W', '3'))[7], '"done"');
});

test('a client grants credit for read replies, and none while it does not read', async (t) => {
  const { router, client, first } = await clientAtRawBroker(t);
  const { credit } = JSON.parse(first[3]);
  const replies = client.stream('echo', 1);
  const [id, , , , rid] = await next(router, 'C', '2');
  for (let at = 0; at < credit; at += 1) await router.send([id, 'C', '6', '', rid, '0', String(at)]);
  // After a round trip they have arrived, and no grant was sent.
  const other = client.call('other', 1);
  const [, , , , otherRid] = texts(await router.receive());
  await router.send([id, 'C', '3', '', otherRid, '0', '"round trip"']);
  assert.equal(await other, 'round trip');
  let granted = 0;
  for (let at = 0; at < credit; at += 1) assert.equal((await replies.next()).value, at);
  while (granted < credit) {
    const grant = texts(await router.receive());
    assert.deepEqual(grant.slice(0, 5), [id, 'C', '9', '', rid]);
    granted += Number(grant[5]);
  }
  assert.equal(granted, credit);
  await router.send([id, 'C', '3', '', rid, '0', 'null']);
  assert.equal((await replies.next()).done, true);
});

test('bytes are sent as bytes, with codec raw in the options', async (t) => {
  const { router, client } = await clientAtRawBroker(t);
  const call = client.call('echo', BYTES);
  const [id, , , , rid, data, options] = await router.receive();
  assert.deepEqual([data, JSON.parse(options).codec], [BYTES, 'raw']);
  await router.send([id, 'C', '3', '', rid, '0', BYTES, '{"codec":"raw"}']);
  assert.deepEqual(await call, BYTES);

  const raw = await workerAtRawBroker(t, (worker) => worker.handle((bytes) => bytes));
  await raw.request('rid', { data: BYTES, options: '{"codec":"raw"}' });
  let frames;
  do frames = await raw.router.receive();
  while (String(frames[2]) !== '3');
  assert.deepEqual([frames[7], String(frames[8])], [BYTES, '{"codec":"raw"}']);
});

test('heartbeats go on while a handler blocks the event loop', async (t) => {
  const { Worker: Thread } = require('node:worker_threads');
  const heartbeat = 50;
  const router = await rawBroker(t);
  // The handler blocks a thread of its own; this one counts.
  const thread = new Thread(
    `const { workerData: [path, endpoint, heartbeat] } = require('node:worker_threads');
    const worker = new (require(path).Worker)(endpoint, 'block', { heartbeat });
    worker.handle(() => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6 * heartbeat);
      return 'done';
    });
    worker.start();`,
    { eval: true, workerData: [require.resolve('..'), router.lastEndpoint, heartbeat] },
  );
  t.after(() => thread.terminate());
  const [id] = await next(router, 'W', '1');
  await router.send([id, 'W', '1', hello({ name: 'B-1' })]);
  await router.send([id, 'W', '2', 'client', 'block', '', 'rid', '1', '{}']);
  let heartbeats = 0;
  for (;;) {
    const frames = texts(await router.receive());
    assert.equal(frames[0], id);
    if (frames[2] === '3') break;
    heartbeats += 1;
    await router.send([id, 'W', '4']);
  }
  assert.ok(heartbeats >= 3, `${heartbeats} heartbeats in six intervals`);
});

test('a broker with a new name has restarted: disconnect, a new identity, connect, and retry sends again', async (t) => {
  const { router, client, first } = await clientAtRawBroker(t, { reconnect: 1 });
  const again = collect(client.request('echo', 'again', { retry: 1 }));
  const [, , , , rid] = await next(router, 'C', '2');
  const lost = client.call('echo', 'lost').catch((error) => error.code);
  await next(router, 'C', '2');
  const disconnect = event(client, 'disconnect');
  await router.send([first[0], 'C', '4', hello({ name: 'B-2', session: 1 })]);
  await disconnect;
  assert.equal(await lost, 'C_DISCONNECTED');
  const connect = event(client, 'connect');
  const [id, , , greeting] = await next(router, 'C', '4');
  assert.notEqual(id, first[0]);
  assert.equal(JSON.parse(greeting).session, JSON.parse(first[3]).session + 1);
  await router.send([id, 'C', '4', hello({ name: 'B-2', session: 2 })]);
  await connect;
  assert.equal(client.socketId, id);
  assert.equal((await next(router, 'C', '2'))[4], rid);
  await router.send([id, 'C', '3', '', rid, '0', '"answer"', '{}']);
  assert.deepEqual(await again, ['answer']);
});
