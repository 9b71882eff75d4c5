'use strict';

// Published client, broker, worker and directory with each other. Their behaviour here is the
// reference for newer implementations.

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, afterEach, before, test } = require('node:test');

const { Peer } = require('./driver');

const ANY_PORT = 'tcp://127.0.0.1:*';
// The published code checks most deadlines only at its heartbeats.
const QUICK = { heartbeat: 200 };

let broker;
let endpoint;
let intch;
let client;
const started = [];

before(async () => {
  broker = new Peer('broker', { endpoint: ANY_PORT, intch: ANY_PORT });
  ({ endpoint, intch } = await broker.ready());
  client = new Peer('client', { endpoint, conf: QUICK });
  await client.ready();
});

afterEach(async () => {
  const codes = await Promise.all(started.splice(0).map((peer) => peer.stop()));
  assert.ok(codes.every((code) => code === 0), `exit codes ${codes}`);
});

after(async () => {
  const codes = await Promise.all([client.stop(), broker.stop()]);
  assert.deepEqual(codes, [0, 0]);
  assert.equal(Peer.running.size, 0);
});

async function worker(service, options) {
  const peer = new Peer('worker', { endpoint, service, ...options });
  started.push(peer);
  await peer.ready();
  return peer;
}

async function request(service, data, opts) {
  const tag = randomUUID();
  client.send('request', { tag, service, data, opts });
  const { error, data: answer } = await client.final(tag);
  return { error, data: answer, partials: client.partials(tag) };
}

test('any data is echoed', async () => {
  await worker('echo');
  for (const data of [{ a: [1, 'ä'] }, 'text', 7, false]) {
    assert.deepEqual(await request('echo', data), { error: 0, data, partials: [] });
  }
});

test('null is echoed as null', async () => {
  await worker('null');
  assert.deepEqual(await request('null', null), { error: 0, data: null, partials: [] });
});

test('partials arrive in order, before the final reply', async () => {
  await worker('parts');
  const { data, partials } = await request('parts', { do: 'partials', count: 5 });
  assert.deepEqual(partials, [0, 1, 2, 3, 4]);
  assert.equal(data, 5);
});

test('a file is streamed line by line', async () => {
  await worker('lines');
  const file = path.join(os.tmpdir(), `${randomUUID()}.txt`);
  fs.writeFileSync(file, 'one\ntwo\nthree\n');
  try {
    const { data, partials } = await request('lines', { do: 'stream', file });
    assert.deepEqual(partials, ['one', 'two', 'three']);
    assert.equal(data, null);
  } finally {
    fs.unlinkSync(file);
  }
});

test('an error value reaches the client', async () => {
  await worker('fails');
  const { error, data } = await request('fails', { do: 'error', value: { code: 5 } });
  assert.deepEqual(error, { code: 5 });
  assert.equal(data, null);
});

test('a rejected request is answered by the other worker', async () => {
  const rejecting = await worker('choosy', { verbose: true });
  rejecting.send('reject');
  const other = await worker('choosy');
  for (let i = 0; i < 4; i += 1) {
    const { data } = await request('choosy', { do: 'pid' });
    assert.equal(data, other.child.pid);
  }
  assert.ok(rejecting.events.some((e) => e.event === 'request'));
});

test('a worker replies the options that it received', async () => {
  await worker('opts');
  const { data } = await request('opts', { do: 'opts' }, { timeout: 4000, color: 'red' });
  assert.deepEqual(data, { timeout: 4000, color: 'red', retry: 0 });
});

test('a request can be addressed to a worker', async () => {
  await worker('target');
  const wanted = await worker('target');
  const { id } = await wanted.ready();
  for (let i = 0; i < 4; i += 1) {
    const { data } = await request('target', { do: 'pid' }, { workerId: id });
    assert.equal(data, wanted.child.pid);
  }
});

test('a request without a reply times out at a heartbeat of the client', async () => {
  await worker('mute');
  const { error } = await request('mute', { do: 'never' }, { timeout: 10 });
  assert.equal(error, 'C_TIMEOUT');
});

test('a flood is answered request by request', async () => {
  await worker('flood');
  client.send('flood', { tag: 'f', service: 'flood', count: 1000 });
  const { ok, failed, first_error: firstError } = await client.event({ event: 'flooded', tag: 'f' });
  assert.deepEqual({ ok, failed, firstError }, { ok: 1000, failed: 0, firstError: null });
});

test('the directory answers with the workers of a service', async () => {
  const directory = new Peer('directory', { endpoint, intch });
  started.push(directory);
  await directory.ready();
  const first = await worker('listed');
  const second = await worker('listed');
  const ids = [(await first.ready()).id, (await second.ready()).id].sort();
  await directory.event((e) => e.event === 'map' && e.map.listed && e.map.listed.length === 2);

  const { data } = await request('$dir', 'listed');
  assert.deepEqual(data.sort(), ids);
  assert.deepEqual((await request('$dir', 'unknown')).data, []);
  assert.deepEqual(Object.keys((await request('$dir')).data).includes('listed'), true);
});

test('a version range is an error inside of the published broker', async () => {
  const own = new Peer('broker', { endpoint: ANY_PORT, intch: ANY_PORT, die: true });
  const { endpoint: fragile } = await own.ready();
  const asking = new Peer('client', { endpoint: fragile });
  started.push(asking);
  await asking.ready();
  asking.send('request', { tag: 'r', service: 'range@^1.0.0', data: 1 });
  assert.equal(await own.exited, 1);
  assert.match(own.stderr, /_\.pluck is not a function/);
});

test('an endpoint in use is reported', async () => {
  const second = new Peer('broker', { endpoint, intch: ANY_PORT });
  assert.equal(await second.exited, 4);
  assert.equal(second.events[0].fatal, true);
});

test('the end of its input stops a peer', async () => {
  const peer = await worker('eof');
  started.pop();
  peer.child.stdin.end();
  assert.equal(await peer.exited, 0);
  assert.ok(peer.events.some((e) => e.event === 'stopped'));
});

test('the watchdog ends a peer', async () => {
  const peer = new Peer('client', { endpoint, 'max-seconds': '0.5' });
  assert.equal(await peer.exited, 3);
});
