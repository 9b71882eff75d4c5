'use strict';
// Broker, worker and client of this package, with the published package at the other end.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { existsSync } = require('node:fs');
const { EventEmitter } = require('node:events');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { test } = require('node:test');
const pigato = require('..');
const { Fleet, collect, event, requested, EVENT_TIMEOUT } = require('./fleet');

const PEER = join(__dirname, '../../interop-tests/drivers/published');
assert.ok(existsSync(join(PEER, 'node_modules/pigato')), `the published package is missing: run npm ci in ${PEER}`);

/** The published package in one role, in a process of its own. */
class Peer extends EventEmitter {
  constructor(test, role, ...options) {
    super();
    this.child = spawn(process.execPath, [join(PEER, 'peer.js'), role, ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const message = JSON.parse(line);
      this.emit(message.tag === undefined ? message.event : `${message.event} ${message.tag}`, message);
    });
    test.after(() => {
      this.child.kill();
    });
    this.ready = event(this, 'ready').then(([ready]) => ready);
  }

  say(line) {
    this.child.stdin.write(`${JSON.stringify(line)}\n`);
  }

  /** Makes a request; resolves with the arguments of its final callback and the partial replies. */
  async request(tag, service, data, opts) {
    const partials = [];
    this.on(`partial ${tag}`, (partial) => partials.push(partial.data));
    const final = event(this, `final ${tag}`);
    this.say({ op: 'request', tag, service, data, opts });
    const [{ error, data: answer }] = await final;
    return { error, final: answer, partials };
  }
}

/** Requests to each worker, and the expected replies. */
const REQUESTS = [
  [{ do: 'echo', value: 'grüße' }, { error: 0, final: 'grüße', partials: [] }],
  [{ do: 'partials', count: 3 }, { error: 0, final: 3, partials: [0, 1, 2] }],
  [{ do: 'error', value: { reason: 'no' } }, { error: { reason: 'no' }, final: null, partials: [] }],
];

/** Answers like the published worker. */
function answer(data, reply) {
  if (data.do === 'echo') reply.end(data.value);
  else if (data.do === 'error') reply.error(data.value);
  else {
    for (let at = 0; at < data.count; at += 1) reply.write(at);
    reply.end(data.count);
  }
}

test('a published worker answers our client at our broker', async (t) => {
  const fleet = await Fleet.for(t);
  await new Peer(t, 'worker', '--endpoint', fleet.endpoint, '--service', 'svc').ready;
  const client = fleet.client();
  for (const [data, expected] of REQUESTS) {
    const { error, final, partials } = await requested(client, 'svc', data);
    assert.deepEqual({ error, final, partials: partials.map(([, part]) => part) }, expected);
  }
  assert.deepEqual(await collect(client.request('svc', { do: 'partials', count: 2 })), [0, 1, 2]);
  assert.equal(await client.call('svc', { do: 'echo', value: 5 }), 5);
});

test('our worker answers a published client at our broker', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('svc', answer);
  const client = new Peer(t, 'client', '--endpoint', fleet.endpoint);
  await client.ready;
  for (const [at, [data, expected]] of REQUESTS.entries()) {
    assert.deepEqual(await client.request(`t${at}`, 'svc', data), expected);
  }
});

test('our worker answers our client at a published broker', async (t) => {
  const broker = new Peer(t, 'broker', '--endpoint', 'tcp://127.0.0.1:*', '--intch', 'tcp://127.0.0.1:*');
  const { endpoint } = await broker.ready;
  const worker = new pigato.Worker(endpoint, 'svc');
  const client = new pigato.Client(endpoint);
  t.after(async () => {
    await client.stop();
    await worker.stop();
  });
  worker.on('request', answer);
  worker.start();
  client.start();
  await Promise.all([event(worker, 'connect'), event(client, 'connect')]);
  for (const [data, expected] of REQUESTS) {
    const { error, final, partials } = await requested(client, 'svc', data);
    assert.deepEqual({ error, final, partials: partials.map(([, part]) => part) }, expected);
  }
});

test('our directory serves a published broker', async (t) => {
  const broker = new Peer(t, 'broker', '--endpoint', 'tcp://127.0.0.1:*', '--intch', 'tcp://127.0.0.1:*');
  const { endpoint, intch } = await broker.ready;
  const directory = new pigato.services.Directory(endpoint, { intch });
  const worker = new pigato.Worker(endpoint, 'svc');
  const client = new pigato.Client(endpoint);
  t.after(async () => {
    await client.stop();
    await worker.stop();
    directory.stop();
  });
  directory.start();
  worker.start();
  client.start();
  const deadline = Date.now() + EVENT_TIMEOUT;
  let ids = [];
  while (ids.length === 0 && Date.now() < deadline) {
    ids = (await requested(client, '$dir', 'svc')).final;
    // The broker publishes changes only. Restarting the worker makes one, in case the first came
    // before the subscription.
    if (ids.length === 0) {
      worker.start();
      await event(worker, 'connect');
    }
  }
  assert.deepEqual(ids, [worker.socketId]);
});
