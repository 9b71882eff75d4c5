'use strict';
// Wrong use, and use at unusual times: an error that says so, and no effect on other requests.

const assert = require('node:assert/strict');
const { getEventListeners, once } = require('node:events');
const { finished } = require('node:stream/promises');
const { test } = require('node:test');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const pigato = require('..');
const { encode } = require('../lib/codec');
const { Events } = require('../lib/events');
const { Fleet, event, requested, EVENT_TIMEOUT } = require('./fleet');

const { PigatoError } = pigato;
const cyclic = {};
cyclic.self = cyclic;

/** Collects uncaught exceptions and unhandled rejections. */
function uncaught(t) {
  const all = [];
  const add = (error) => all.push(error);
  for (const name of ['uncaughtException', 'unhandledRejection']) {
    process.on(name, add);
    t.after(() => process.off(name, add));
  }
  return all;
}

test('a call that cannot be made is a rejection, never an exception', async (t) => {
  const fleet = await Fleet.for(t);
  const client = fleet.client();
  await assert.rejects(client.call('echo', cyclic), TypeError);
  await assert.rejects(client.call('echo', 1n), TypeError);
  await assert.rejects(client.call(undefined, 1), { code: 'E_ARGUMENT' });
  await assert.rejects(client.call('echo', 1, { signal: {} }), { code: 'E_ARGUMENT' });
  await client.stop(null);
});

test('data of 2 GiB is E_DATA', () => {
  assert.throws(() => encode(new Uint8Array(2 ** 31), true), { code: 'E_DATA' });
});

test('addresses, names and handlers of a wrong type are E_ARGUMENT with a message', async () => {
  const failure = (what) => ({ code: 'E_ARGUMENT', message: new RegExp(what) });
  await assert.rejects(new pigato.Client(undefined).start(), failure('address must be a string, not undefined'));
  await assert.rejects(new pigato.Worker('tcp://127.0.0.1:1', null).start(), failure('name must be a string, not null'));
  await assert.rejects(new pigato.Broker(5).start(), failure('endpoint must be a string, not number'));
  assert.throws(() => new pigato.Worker('tcp://127.0.0.1:1', 'x').handle(undefined), failure('a handler must be a function'));
});

test('a drain time that is not a number is E_ARGUMENT', async (t) => {
  const fleet = await Fleet.for(t);
  const worker = fleet.worker('idle');
  await assert.rejects(worker.stop({ drain: 'long' }), { code: 'E_ARGUMENT' });
});

test('a client drains without limit if drain is below 0 or infinite', async (t) => {
  for (const drain of [-1, Infinity]) {
    const fleet = await Fleet.for(t);
    const client = fleet.client();
    let release;
    const released = new Promise((resolve) => (release = resolve));
    const taken = new Promise((resolve) => {
      fleet.handler('held', () => {
        resolve();
        return released;
      });
    });
    const answer = client.call('held');
    await taken;
    const stopped = client.stop({ drain });
    // 50 ms: a timer whose delay overflows would fire after 1 ms.
    await fleet.client().call('nobody', 1, { timeout: 50 }).catch(() => {});
    release('answered');
    assert.equal(await answer, 'answered');
    await stopped;
  }
});

test("a failed start with a callback is reported by the promise and 'error' alone", async (t) => {
  const fleet = await Fleet.for(t);
  const all = uncaught(t);
  const broker = new pigato.Broker(fleet.endpoint, { intch: null });
  const reported = event(broker, 'error').catch((error) => error);
  await assert.rejects(broker.start(() => assert.fail('the broker must not start')), { code: 'E_ENDPOINT' });
  await reported;
  await new Promise(setImmediate);
  assert.deepEqual(all, []);
});

test('concurrent starts of a broker start it once', async (t) => {
  const broker = new pigato.Broker('tcp://127.0.0.1:*', { intch: null });
  t.after(() => broker.stop());
  let running = 0;
  broker.on('start', () => (running += 1));
  broker.on('stop', () => (running -= 1));
  await Promise.all([broker.start(), broker.start(), broker.start()]);
  assert.equal(running, 1);
  await Promise.all([broker.stop(), broker.stop(), broker.stop()]);
  assert.equal(running, 0);
});

test('a stream that was left has ended', async (t) => {
  const fleet = await Fleet.for(t);
  const client = fleet.client();
  const left = client.stream('nobody');
  const pending = left.next();
  await left.return();
  assert.deepEqual(await pending, { value: undefined, done: true });
  await client.stop({ drain: EVENT_TIMEOUT }); // waits for the cancellation
  assert.deepEqual(await left.next(), { value: undefined, done: true });
});

test('one signal may cancel many calls; its reason is their cause, and no listener is left', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.handler('echo', (data) => data);
  const client = fleet.client();
  const warnings = [];
  const warned = (warning) => warnings.push(warning);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  const controller = new AbortController();
  const options = { signal: controller.signal };
  await Promise.all(Array.from({ length: 50 }, (_, at) => client.call('echo', at, options)));
  assert.deepEqual([warnings, getEventListeners(controller.signal, 'abort').length], [[], 0]);

  const calls = Array.from({ length: 50 }, () => client.call('nobody', null, options));
  await fleet.client().call('echo'); // the calls were sent
  const late = client.call('nobody', null, options);
  await Promise.resolve();
  controller.abort('no longer');
  for (const { reason } of await Promise.allSettled([...calls, late])) {
    assert.deepEqual([reason.code, reason.cause], ['C_CANCELLED', 'no longer']);
  }
  assert.deepEqual([warnings, getEventListeners(controller.signal, 'abort').length], [[], 0]);
});

test('an option that is undefined has the value in conf', async (t) => {
  const fleet = await Fleet.for(t);
  const client = fleet.client();
  client.conf.timeout = 50;
  await assert.rejects(client.call('nobody', null, { timeout: undefined, mine: 1 }), { code: 'C_TIMEOUT' });
});

test('invalid reply options fail only that request', async (t) => {
  const fleet = await Fleet.for(t);
  const all = uncaught(t);
  fleet.worker('echo', (data, reply) => {
    if (data === 1) reply.opts.codec = 'zip';
    reply.end(data);
  });
  const client = fleet.client();
  const [first, second, third] = await Promise.allSettled([0, 1, 2].map((at) => client.call('echo', at, { timeout: EVENT_TIMEOUT })));
  assert.deepEqual([first.value, third.value], [0, 2]);
  assert.equal(second.reason.code, 'W_HANDLER');
  assert.match(second.reason.message, /codec/);
  assert.deepEqual(all, []);
});

test('any value that a handler throws fails its request', async (t) => {
  const fleet = await Fleet.for(t);
  const all = uncaught(t);
  const thrown = [new PigatoError(undefined, 'cyclic', { value: cyclic }), Object.create(null), Symbol('symbol'), undefined];
  fleet.handler('throws', (at) => {
    throw thrown[at];
  });
  const client = fleet.client();
  for (const at of thrown.keys()) await assert.rejects(client.call('throws', at, { timeout: EVENT_TIMEOUT }), { code: 'W_HANDLER' });
  assert.deepEqual(all, []);
});

test('a generator that yields a value that cannot be sent is ended', async (t) => {
  const fleet = await Fleet.for(t);
  let isEnded = false;
  fleet.handler('yields', async function* yields() {
    try {
      yield 1n;
    } finally {
      isEnded = true;
    }
  });
  await assert.rejects(fleet.client().call('yields'), { code: 'W_HANDLER' });
  assert.ok(isEnded);
});

test('a rejection with a reason that cannot be sent leaves the request open', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('rejects', (_, reply) => {
    assert.throws(() => reply.reject(cyclic), TypeError);
    reply.end('answered');
  });
  assert.equal(await fleet.client().call('rejects'), 'answered');
});

test('an error value that looks like success is the error -1', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('fails', (data, reply) => reply.error(data));
  const client = fleet.client();
  for (const value of [0, '', false, null]) assert.equal((await requested(client, 'fails', value)).error, -1);
});

test('a reply that has ended is an ended stream for later users', async (t) => {
  const fleet = await Fleet.for(t);
  const seen = new Promise((resolve) => {
    fleet.worker('echo', (data, reply) => {
      reply.end(data);
      resolve({ isEnded: reply.writableEnded, finished: finished(reply) });
    });
  });
  const listened = new Promise((resolve) => {
    fleet.worker('listened', (data, reply) => reply.end(data).on('finish', resolve));
  });
  const client = fleet.client();
  assert.equal(await client.call('echo', 1), 1);
  const { isEnded, finished: end } = await seen;
  assert.ok(isEnded);
  await end;
  assert.equal(await client.call('listened', 2), 2);
  await listened;
});

test('a reply that is destroyed before its end went out fails its request', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('destroyed', (_, reply) => {
    reply.on('error', () => {});
    while (reply.write('part'));
    reply.end('the end');
    reply.destroy(new Error('given up'));
  });
  const read = async () => {
    for await (const part of fleet.client().stream('destroyed')) assert.equal(part, 'part');
  };
  await assert.rejects(read(), { code: 'W_HANDLER', message: /given up/ });
});

test('a loop that writes while there is room ends when the worker has stopped', async (t) => {
  const fleet = await Fleet.for(t);
  const worker = fleet.keep(new pigato.Worker(fleet.endpoint, 'endless'));
  let reply;
  const taken = new Promise((resolve) => {
    worker.on('request', (_, given) => resolve((reply = given)));
  });
  await worker.start();
  fleet.client().call('endless').catch(() => {});
  await taken;
  const closed = once(reply, 'close');
  worker.stop(); // the cancellation comes later, but writes are refused before
  const deadline = Date.now() + EVENT_TIMEOUT;
  while (reply.write('part')) assert.ok(Date.now() < deadline, 'the loop does not end');
  await closed;
});

test('a batch of events that is larger than a string is read', () => {
  const length = 2 ** 29 + 100; // more than a string holds
  const buffer = Buffer.alloc(8 + 12 * 4 + length, 0);
  const words = new Uint32Array(buffer.buffer, buffer.byteOffset, 14);
  words.set([1, 1, 4, 0, 0, 0, 0, 0, length - 4, 0, 4]);
  buffer.write('text', buffer.length - 4);
  const events = new Events(buffer);
  assert.ok(events.next());
  assert.equal(events.text(2), 'text');
});

test('a client identity that is kept does not retain request bodies', async (t) => {
  const fleet = await Fleet.for(t);
  const identities = [];
  fleet.handler('keep', (data, { client }) => identities.push(client));
  const client = fleet.client();
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  gc();
  const before = process.memoryUsage().heapUsed;
  const body = 'x'.repeat(50_000);
  for (let round = 0; round < 20; round += 1) await Promise.all(Array.from({ length: 50 }, () => client.call('keep', body)));
  gc();
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 5_000_000, `${grown} bytes are retained with ${identities.length} identities`);
});
