'use strict';
// The behaviour that programs for the published package rely on.

const assert = require('node:assert/strict');
const { createReadStream, readFileSync } = require('node:fs');
const { Writable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { test } = require('node:test');
const pigato = require('..');
const { Fleet, collect, event, requested } = require('./fleet');

test('echo with callbacks: success is the error 0', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('echo', (data, reply) => reply.end(data));
  const answer = await requested(fleet.client(), 'echo', { text: 'grüße', list: [1, null] });
  assert.deepEqual(answer, { error: 0, final: { text: 'grüße', list: [1, null] }, partials: [] });
});

test('echo as a stream: the data, then the end', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('echo', (data, reply) => reply.end(data));
  const client = fleet.client();
  assert.deepEqual(await collect(client.request('echo', 'foo')), ['foo']);
  assert.deepEqual(await collect(client.requestStream('echo', 'foo', { timeout: 5000 })), ['foo']);
});

test('partial replies come in order, before the final one', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('count', (count, reply) => {
    for (let at = 0; at < count; at += 1) reply.write(at);
    reply.end('done');
  });
  const client = fleet.client();
  const expected = Array.from({ length: 3000 }, (_, at) => at);
  assert.deepEqual(await collect(client.request('count', 3000)), [...expected, 'done']);
  const { error, final, partials } = await requested(client, 'count', 3000);
  assert.deepEqual([error, final], [0, 'done']);
  assert.deepEqual(partials, expected.map((at) => [null, at]));
});

test('an end without data is null for callbacks and only the end for a stream', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('nothing', (_, reply) => reply.end());
  const client = fleet.client();
  assert.deepEqual(await requested(client, 'nothing'), { error: 0, final: null, partials: [] });
  assert.deepEqual(await collect(client.request('nothing')), []);
});

test('reply.error is the error of the final callback and of the stream', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('fail', (_, reply) => reply.error({ reason: 'no' }));
  const client = fleet.client();
  assert.deepEqual((await requested(client, 'fail')).error, { reason: 'no' });
  const stream = client.request('fail');
  const error = await new Promise((resolve) => stream.once('error', resolve));
  assert.deepEqual(error, { reason: 'no' });
  stream.resume();
  await event(stream, 'end');
});

test('reply.reject hands the request to another worker', async (t) => {
  const fleet = await Fleet.for(t);
  let rejected = 0;
  fleet.worker('pick', (_, reply) => {
    rejected += 1;
    reply.reject('not me');
    fleet.worker('pick', (data, other) => other.end(data));
  });
  assert.equal((await requested(fleet.client(), 'pick', 'x')).final, 'x');
  assert.equal(rejected, 1);
});

test('a request fails with C_TIMEOUT, and one with a longer timeout goes on', async (t) => {
  const fleet = await Fleet.for(t);
  const client = fleet.client();
  let longer = 'pending';
  client.request('nobody', 1, { timeout: 60_000 }).on('error', (error) => (longer = error));
  assert.equal((await requested(client, 'nobody', 1, { timeout: 20 })).error, 'C_TIMEOUT');
  assert.equal(longer, 'pending');
});

test('changes of conf take effect: timeout, onConnect, concurrency', async (t) => {
  const fleet = await Fleet.for(t);
  const client = new pigato.Client(fleet.endpoint, { prefix: 'mine' });
  fleet.keep(client);
  assert.equal(client.conf.timeout, 60000);
  const connected = new Promise((resolve) => {
    client.conf.onConnect = resolve;
  });
  client.start();
  await connected;
  delete client.conf.onConnect;
  assert.match(client.socketId, /^mine-/);
  client.conf.timeout = 20;
  assert.equal((await requested(client, 'nobody')).error, 'C_TIMEOUT');
  delete client.conf.timeout;

  const replies = [];
  const worker = fleet.worker('slow', (data, reply) => {
    replies.push(reply);
    worker.emit('taken');
  }, { concurrency: 1 });
  client.conf.timeout = 60000;
  const answers = [requested(client, 'slow', 1), requested(client, 'slow', 2), requested(client, 'slow', 3)];
  await event(worker, 'taken');
  // Once the broker has refused a fourth request, it has all three.
  await requested(client, 'nobody', 1, { failFast: true });
  assert.equal(replies.length, 1);
  const more = event(worker, 'taken');
  worker.conf.concurrency = 2;
  await more;
  assert.equal(replies.length, 2);
  for (const reply of replies) reply.end('done');
  await event(worker, 'taken');
  replies[2].end('done');
  for (const answer of await Promise.all(answers)) assert.equal(answer.final, 'done');
});

test('a listener receives the options of the request', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('options', (_, reply, options) => reply.end(options));
  const { final } = await requested(fleet.client(), 'options', 1, { timeout: 5000, mine: { a: 1 } });
  assert.deepEqual(final, { timeout: 5000, retry: 0, mine: { a: 1 } });
});

test('a piped file arrives byte for byte', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('file', (name, reply) => createReadStream(name, { highWaterMark: 1000 }).pipe(reply));
  const chunks = [];
  const target = new Writable({
    write(chunk, _, done) {
      chunks.push(chunk); // not in object mode: accepts only bytes and strings
      done();
    },
  });
  await pipeline(fleet.client().request('file', __filename), target);
  assert.deepEqual(Buffer.concat(chunks), readFileSync(__filename));
});

test("a slow reader slows the writer: write returns false, 'drain' follows", async (t) => {
  const fleet = await Fleet.for(t);
  let written = 0;
  let drained = 0;
  fleet.worker('flood', (count, reply) => {
    const writeSome = () => {
      while (written < count) {
        written += 1;
        if (!reply.write(written)) {
          reply.once('drain', () => {
            drained += 1;
            writeSome();
          });
          fleet.broker.emit('full');
          return;
        }
      }
      reply.end();
    };
    writeSome();
  });
  const full = event(fleet.broker, 'full');
  const stream = fleet.client().request('flood', 5000);
  await full;
  assert.ok(written < 5000, `${written} were written although none was read`);
  assert.equal((await collect(stream)).length, 5000);
  assert.ok(drained > 0);
});

test('destroying a stream makes the reply at the worker inactive', async (t) => {
  const fleet = await Fleet.for(t);
  const arrived = new Promise((resolve) => {
    fleet.worker('long', (_, reply) => {
      reply.on('close', () => fleet.broker.emit('closed', reply));
      resolve(reply);
    });
  });
  const stream = fleet.client().request('long', 1);
  stream.on('error', () => {});
  const reply = await arrived;
  assert.equal(reply.active(), true);
  const closed = event(fleet.broker, 'closed');
  stream.destroy();
  await closed;
  assert.equal(reply.active(), false);
  assert.equal(reply.ended, false);
});

test('a reply whose pipeline failed fails its request', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('file', (name, reply) => pipeline(createReadStream(name), reply).catch(() => {}));
  const { error } = await requested(fleet.client(), 'file', '/no/such/file');
  assert.deepEqual([error.code, error.message.includes('ENOENT')], ['W_HANDLER', true]);
});

test('a reply becomes inactive without heartbeats of its client', async (t) => {
  const fleet = await Fleet.for(t);
  const worker = fleet.worker('long', () => {}, { heartbeat: 50 });
  const [, reply] = await (async () => {
    const arrived = event(worker, 'request');
    fleet.client({ heartbeat: 10_000 }).request('long', 1).on('error', () => {});
    return arrived;
  })();
  assert.equal(reply.active(), true);
  const deadline = Date.now() + 5000;
  while (reply.active() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(reply.active(), false);
});

test("a listener that throws fails the request, and its exception is an 'error' event", async (t) => {
  const fleet = await Fleet.for(t);
  const worker = fleet.worker('broken', () => {
    throw new Error('oh');
  });
  worker.on('error', (error) => worker.emit('failure', error));
  const thrown = event(worker, 'failure');
  const { error } = await requested(fleet.client(), 'broken');
  assert.deepEqual([error.code, error.message.includes('oh')], ['W_HANDLER', true]);
  assert.equal((await thrown)[0].message, 'oh');
});

test("an exception of a callback is an 'error' event of the client and affects no other request", async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('echo', (data, reply) => reply.end(data));
  const client = fleet.client();
  const thrown = new Promise((resolve) => client.on('error', resolve));
  client.request('echo', 1, null, () => {
    throw new Error('mine');
  });
  assert.equal((await requested(client, 'echo', 2)).final, 2);
  assert.equal((await thrown).message, 'mine');
});

test('start, stop and start again: events, a new identity, no pending requests left', async (t) => {
  const fleet = await Fleet.for(t);
  const seen = [];
  const client = fleet.keep(new pigato.Client(fleet.endpoint));
  for (const name of ['start', 'connect', 'disconnect', 'stop']) client.on(name, () => seen.push(name));
  client.start();
  const first = client.socketId;
  await event(client, 'connect');
  const unanswered = requested(client, 'nobody');
  client.stop();
  assert.equal(client.socketId, undefined);
  assert.equal((await unanswered).error, 'C_CLOSED');
  client.start();
  await event(client, 'connect');
  assert.notEqual(client.socketId, first);
  assert.deepEqual(seen, ['start', 'connect', 'disconnect', 'stop', 'start', 'connect']);
});

test('a request to a client that is not started fails with C_CLOSED', async (t) => {
  const fleet = await Fleet.for(t);
  const client = new pigato.Client(fleet.endpoint);
  assert.equal((await requested(client, 'echo')).error, 'C_CLOSED');
});

test('autostart starts a client', async (t) => {
  const fleet = await Fleet.for(t);
  const client = fleet.keep(new pigato.Client(fleet.endpoint, { autostart: true }));
  await event(client, 'connect');
});

test('a broker reports its start and stop by callback, conf and event', async () => {
  const seen = [];
  const broker = new pigato.Broker('tcp://127.0.0.1:*', { intch: null, onStart: () => seen.push('onStart') });
  broker.conf.onStop = () => seen.push('onStop');
  broker.on('start', () => seen.push('start'));
  broker.on('stop', () => seen.push('stop'));
  await new Promise((resolve) => broker.start(resolve));
  broker.stop();
  await event(broker, 'stop');
  assert.deepEqual(seen, ['onStart', 'start', 'onStop', 'stop']);
  await broker.start();
  await broker.stop();
});

test('an address in use is an error', async (t) => {
  const fleet = await Fleet.for(t);
  const second = new pigato.Broker(fleet.endpoint, { intch: null });
  await assert.rejects(second.start(), { name: 'PigatoError', code: 'E_ENDPOINT' });
  const heard = new Promise((resolve) => second.once('error', resolve));
  second.start().catch(() => {});
  assert.equal((await heard).code, 'E_ENDPOINT');
});

test('a directory returns the workers of a service, and workerId selects one', async (t) => {
  const fleet = await Fleet.for(t, { intch: 'tcp://127.0.0.1:*' });
  const directory = fleet.keep(new pigato.services.Directory(fleet.endpoint, { intch: fleet.broker.intch }));
  directory.start();
  const workers = [1, 2, 3].map((number) => fleet.worker('echo', (data, reply) => reply.end(number)));
  await Promise.all(workers.map((worker) => event(worker, 'connect')));
  const client = fleet.client();
  let ids = [];
  const deadline = Date.now() + 10_000;
  while (ids.length < 3 && Date.now() < deadline) ids = (await requested(client, '$dir', 'echo')).final;
  assert.deepEqual([...ids].sort(), workers.map((worker) => worker.socketId).sort());
  const answers = await Promise.all(ids.map((workerId) => requested(client, 'echo', 'foo', { workerId })));
  assert.deepEqual(answers.map(({ final }) => final).sort(), [1, 2, 3]);
});

test('wildcards and versions are served', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('ech*', (_, reply) => reply.end('wild'));
  fleet.worker('api@1.2.3', (_, reply) => reply.end('1.2.3'));
  const client = fleet.client();
  assert.equal((await requested(client, 'echo')).final, 'wild');
  assert.equal((await requested(client, 'api@^1.0.0')).final, '1.2.3');
});

test('inproc addresses work within the process', async (t) => {
  const broker = new pigato.Broker('inproc://drop-in', { intch: null });
  const worker = new pigato.Worker('inproc://drop-in', 'echo');
  const client = new pigato.Client('inproc://drop-in');
  t.after(async () => {
    await client.stop();
    await worker.stop();
    await broker.stop();
  });
  await broker.start();
  worker.on('request', (data, reply) => reply.end(data));
  worker.start();
  client.start();
  assert.equal((await requested(client, 'echo', 7)).final, 7);
});
