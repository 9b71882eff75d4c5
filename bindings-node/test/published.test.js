'use strict';
// Mixed fleets: the published package on either side.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { existsSync } = require('node:fs');
const { EventEmitter } = require('node:events');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { test } = require('node:test');
const pigato = require('..');
const { Fleet, collect, event, requested, PATIENCE } = require('./fleet');

const PEER = join(__dirname, '../../interop-tests/drivers/published');
assert.ok(existsSync(join(PEER, 'node_modules/pigato')), `the published package is missing: run npm ci in ${PEER}`);

/** The published package in one role, in a process of its own. */
class Peer extends EventEmitter {
  constructor(test, role, ...options) {
    super();
    this.child = spawn(process.execPath, [join(PEER, 'peer.js'), role, ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const said = JSON.parse(line);
      this.emit(said.tag === undefined ? said.event : `${said.event} ${said.tag}`, said);
    });
    test.after(() => {
      this.child.kill();
    });
    this.ready = event(this, 'ready').then(([ready]) => ready);
  }

  say(line) {
    this.child.stdin.write(`${JSON.stringify(line)}\n`);
  }

  /** One request; what its final callback got, and the partial replies. */
  async request(tag, service, data, opts) {
    const partials = [];
    this.on(`partial ${tag}`, (partial) => partials.push(partial.data));
    const final = event(this, `final ${tag}`);
    this.say({ op: 'request', tag, service, data, opts });
    const [{ error, data: answer }] = await final;
    return { error, final: answer, partials };
  }
}

/** What is asked of each worker, published or ours, and what has to come of it. */
const ASKED = [
  [{ do: 'echo', value: 'grüße' }, { error: 0, final: 'grüße', partials: [] }],
  [{ do: 'partials', count: 3 }, { error: 0, final: 3, partials: [0, 1, 2] }],
  [{ do: 'error', value: { reason: 'no' } }, { error: { reason: 'no' }, final: null, partials: [] }],
];

/** A worker of ours that does what the published one does. */
function answer(data, reply) {
  if (data.do === 'echo') reply.end(data.value);
  else if (data.do === 'error') reply.error(data.value);
  else {
    for (let at = 0; at < data.count; at += 1) reply.write(at);
    reply.end(data.count);
  }
}

test('a published worker answers our client, through our broker', async (t) => {
  const fleet = await Fleet.for(t);
  await new Peer(t, 'worker', '--endpoint', fleet.endpoint, '--service', 'svc').ready;
  const client = fleet.client();
  for (const [data, expected] of ASKED) {
    const { error, final, partials } = await requested(client, 'svc', data);
    assert.deepEqual({ error, final, partials: partials.map(([, part]) => part) }, expected);
  }
  assert.deepEqual(await collect(client.request('svc', { do: 'partials', count: 2 })), [0, 1, 2]);
  assert.equal(await client.call('svc', { do: 'echo', value: 5 }), 5);
});

test('our worker answers a published client, through our broker', async (t) => {
  const fleet = await Fleet.for(t);
  fleet.worker('svc', answer);
  const client = new Peer(t, 'client', '--endpoint', fleet.endpoint);
  await client.ready;
  for (const [at, [data, expected]] of ASKED.entries()) {
    assert.deepEqual(await client.request(`t${at}`, 'svc', data), expected);
  }
});

test('our client and our worker meet at a published broker', async (t) => {
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
  for (const [data, expected] of ASKED) {
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
  const deadline = Date.now() + PATIENCE;
  let ids = [];
  while (ids.length === 0 && Date.now() < deadline) {
    ids = (await requested(client, '$dir', 'svc')).final;
    // The broker publishes on changes only: until the subscription is there, make some.
    if (ids.length === 0) {
      worker.start();
      await event(worker, 'connect');
    }
  }
  assert.deepEqual(ids, [worker.socketId]);
});
