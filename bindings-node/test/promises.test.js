'use strict';
// The promise API: call, stream, handlers, draining.

const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const { test } = require('node:test');
const pigato = require('..');
const { Fleet, event, requested } = require('./fleet');

test('call resolves with the return value of the handler', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.handler('add', async ({ a, b }) => a + b);
  const client = fleet.client();
  assert.equal(await client.call('add', { a: 1, b: 2 }), 3);
  const many = await Promise.all(Array.from({ length: 2000 }, (_, at) => client.call('add', { a: at, b: 1 })));
  assert.deepEqual(many, Array.from({ length: 2000 }, (_, at) => at + 1));
});

test('a handler that throws is a PigatoError with the code W_HANDLER', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.handler('broken', async () => {
    throw new TypeError('wrong type');
  });
  const error = await fleet.client().call('broken').catch((caught) => caught);
  assert.ok(error instanceof pigato.PigatoError);
  assert.deepEqual([error.name, error.code, error.origin], ['PigatoError', 'W_HANDLER', 'worker']);
  assert.match(error.message, /wrong type/);
});

test('an error value of the service is in error.value', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('fail', (_, reply) => reply.error({ reason: 'no' }));
  const error = await fleet.client().call('fail').catch((caught) => caught);
  assert.deepEqual([error.code, error.value], [undefined, { reason: 'no' }]);
});

test('a generator streams, and its client reads at its own pace', async (t) => {
  const fleet = await Fleet.for(t);
  let yielded = 0;
  fleet.handler('count', async function* count(most) {
    for (; yielded < most; yielded += 1) yield yielded;
    return 'done';
  });
  const got = [];
  for await (const part of fleet.client().stream('count', 5000)) {
    got.push(part);
    // The worker is ahead by no more than the core's credit.
    assert.ok(yielded - got.length < 2500, `${yielded} yielded, ${got.length} read`);
    if (got.length % 500 === 0) await new Promise(setImmediate);
  }
  assert.deepEqual(got, [...Array.from({ length: 5000 }, (_, at) => at), 'done']);
});

test('leaving a stream early ends the generator at the other end', async (t) => {
  const fleet = await Fleet.for(t);
  const ended = new Promise((resolve) => {
    fleet.handler('endless', async function* endless() {
      try {
        for (let at = 0; ; at += 1) yield at;
      } finally {
        resolve();
      }
    });
  });
  for await (const part of fleet.client().stream('endless')) {
    if (part === 10) break;
  }
  await ended;
});

test('an aborted call rejects with C_CANCELLED, and the signal of the handler is aborted', async (t) => {
  const fleet = await Fleet.for(t);
  const controller = new AbortController();
  const seen = new Promise((resolve) => {
    fleet.handler('long', (_, { signal }) => {
      signal.addEventListener('abort', () => resolve(signal.reason));
      controller.abort();
      return new Promise(() => {});
    });
  });
  const client = fleet.client();
  await assert.rejects(client.call('long', 1, { signal: controller.signal }), { code: 'C_CANCELLED' });
  assert.equal((await seen).code, 'C_CANCELLED');
  await assert.rejects(client.call('long', 1, { signal: controller.signal }), { code: 'C_CANCELLED' });
});

test('a call can be cancelled before it is sent', async (t) => {
  const fleet = await Fleet.for(t);
  const controller = new AbortController();
  const call = fleet.client().call('nobody', 1, { signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { code: 'C_CANCELLED' });
});

test('bytes arrive as bytes, both ways', async (t) => {
  const fleet = await Fleet.for(t);
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
  fleet.handler('bytes', async (data) => data);
  fleet.worker('old', (data, reply) => reply.end(data));
  const client = fleet.client();
  assert.deepEqual(await client.call('bytes', bytes), bytes);
  assert.deepEqual(await client.call('old', bytes), bytes);
  assert.deepEqual(await client.call('bytes', 'text', { codec: 'raw' }), Buffer.from('text'));
});

test('a handler receives the options, the service, the client and the attempt', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.handler('inf*', async (_, { opts, service, client, attempt }) => ({ opts, service, client, attempt }));
  const client = fleet.client();
  const context = await client.call('info', null, { timeout: 5000, mine: 1 });
  assert.deepEqual(context, {
    opts: { timeout: 5000, retry: 0, mine: 1 },
    service: 'info',
    client: client.socketId,
    attempt: 1,
  });
});

test('a handler may use the reply itself', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.handler('self', (_, { reply }) => {
    reply.write('part');
    reply.end('end');
  });
  const got = [];
  for await (const part of fleet.client().stream('self')) got.push(part);
  assert.deepEqual(got, ['part', 'end']);
});

test('callbacks run in the asynchronous context of their request', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('echo', (data, reply) => reply.end(data));
  const client = fleet.client();
  const storage = new AsyncLocalStorage();
  const contexts = await Promise.all(
    ['a', 'b'].map((name) =>
      storage.run(name, async () => {
        await client.call('echo', 1);
        const afterCall = storage.getStore();
        const inCallback = await new Promise((resolve) =>
          client.request('echo', 1, null, () => resolve(storage.getStore())),
        );
        const inListener = await new Promise((resolve) =>
          client.request('echo', 1).on('data', () => resolve(storage.getStore())),
        );
        return [afterCall, inCallback, inListener];
      }),
    ),
  );
  assert.deepEqual(contexts, [['a', 'a', 'a'], ['b', 'b', 'b']]);
});

test('a worker that drains answers its requests', async (t) => {
  const fleet = await Fleet.for(t);
  let answer;
  const worker = fleet.handler('slow', () => {
    worker.emit('taken');
    return new Promise((resolve) => {
      answer = resolve;
    });
  });
  const taken = event(worker, 'taken');
  const call = fleet.client().call('slow');
  await taken;
  const stopped = worker.stop({ drain: 10_000 });
  answer('late');
  assert.equal(await call, 'late');
  await stopped;
});

test('a client that drains waits for its replies', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.handler('slow', async () => {
    await new Promise(setImmediate);
    return 'late';
  });
  const client = fleet.client();
  const call = client.call('slow');
  const stopped = client.stop({ drain: 10_000 });
  assert.equal(await call, 'late');
  await stopped;
});

test('a handler that blocks the event loop does not stop heartbeats', async (t) => {
  const fleet = await Fleet.for(t, { heartbeat: 50 });
  const left = [];
  fleet.broker.on('workerLeft', (worker) => left.push(worker));
  fleet.handler('block', (milliseconds) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    return 'done';
  }, { heartbeat: 50 });
  assert.equal(await fleet.client({ heartbeat: 50 }).call('block', 600), 'done');
  assert.deepEqual(left, []);
});

test('100,000 concurrent requests are all answered', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.handler('echo', (data) => data, { concurrency: -1 });
  const client = fleet.client();
  const answers = await Promise.all(Array.from({ length: 100_000 }, (_, at) => client.call('echo', at)));
  assert.ok(answers.every((answer, at) => answer === at));
});

test('an invalid request is refused with its reason', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.handler('echo', (data) => data);
  const client = fleet.client();
  const calls = [
    client.call('', 1),
    client.call('echo', 2),
    client.call('echo', 3, { timeout: 'soon' }),
    client.call('echo', 4),
  ];
  const results = await Promise.allSettled(calls);
  assert.deepEqual(results.map(({ value, reason }) => value ?? reason.code), ['E_OPTION', 2, 'E_OPTION', 4]);
  await assert.rejects(client.call('echo', {}, { codec: 'raw' }), { code: 'E_DATA' });
  await assert.rejects(client.call(7, 1), { code: 'E_ARGUMENT' });
});

test('an invalid option is refused with its reason', async () => {
  await assert.rejects(new pigato.Client('tcp://127.0.0.1:1', { heartbeat: 0 }).start(), { code: 'E_OPTION' });
  await assert.rejects(new pigato.Worker('nowhere', 'echo').start(), { code: 'E_ENDPOINT' });
});

test('a broker returns its statistics and directory', async (t) => {
  const fleet = await Fleet.for(t);
  const worker = fleet.handler('echo', (data) => data);
  await fleet.client().call('echo', 1);
  assert.equal(fleet.broker.statistics().replies, 1);
  assert.deepEqual(fleet.broker.directory(), { echo: [worker.socketId] });
  await fleet.broker.stop();
  assert.throws(() => fleet.broker.statistics(), { code: 'C_CLOSED' });
});

test('a panic in Rust is E_INTERNAL in JavaScript', () => {
  const native = require('../lib/native');
  const { checked, PigatoError } = require('../lib/errors');
  assert.throws(() => checked(() => native.panicForTests()), (error) => {
    assert.ok(error instanceof PigatoError);
    return error.code === 'E_INTERNAL' && error.message.includes('on purpose');
  });
});

test('the package can be imported, and a broker can be disposed', async () => {
  const { Client, Broker, default: all } = await import('../lib/index.mjs');
  assert.equal(all.Client, Client);
  assert.equal(Client, pigato.Client);
  const broker = new Broker('tcp://127.0.0.1:*', { intch: null });
  await broker.start();
  await broker[Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]();
  assert.deepEqual(broker.endpoints, []);
});

test('callbacks and calls share one client', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.handler('echo', (data) => data);
  const client = fleet.client();
  const [called, { final }] = await Promise.all([client.call('echo', 1), requested(client, 'echo', 2)]);
  assert.deepEqual([called, final], [1, 2]);
});
