'use strict';
// Controllers (`conf.ctrl`): the calls that they receive, and how the next run of a broker restores
// what they stored.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { EventEmitter } = require('node:events');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { test } = require('node:test');
const { Dealer } = require('zeromq');
const pigato = require('..');
const { Fleet, event, EVENT_TIMEOUT } = require('./fleet');

const PERSIST = { persist: 1 };

/** Stores requests and records its calls. */
class Controller extends EventEmitter {
  stored = new Map();
  calls = [];

  rset(req) {
    this.stored.set(req.rid, req);
    this.#note('rset', req);
  }

  rdel(req) {
    this.stored.delete(req.rid);
    this.#note('rdel', req);
  }

  rgetall(callback) {
    setImmediate(() => callback(null, Object.fromEntries(this.stored)));
  }

  #note(method, req) {
    this.calls.push([method, { ...req }]);
    this.emit(method, req);
  }

  get methods() {
    return this.calls.map(([method]) => method);
  }
}

/** Stores requests as JSON. */
class JsonController extends Controller {
  rgetall(callback) {
    callback(null, JSON.parse(JSON.stringify([...this.stored.values()])));
  }
}

/** Restarts a fleet's broker at the same address. */
async function restart(fleet, ctrl) {
  await fleet.broker.stop();
  fleet.broker = fleet.keep(new pigato.Broker(fleet.endpoint, { intch: null, ctrl }));
  await fleet.broker.start();
}

/** A socket with which a test acts as a peer. */
function dealer(t, endpoint, routingId) {
  const socket = new Dealer({ routingId, receiveTimeout: EVENT_TIMEOUT, linger: 0 });
  t.after(() => socket.close());
  socket.connect(endpoint);
  return socket;
}

async function nextOf(socket, type) {
  for (;;) {
    const frames = (await socket.receive()).map(String);
    if (frames[1] === type) return frames;
  }
}

test('a request is stored when it is accepted and when it is dispatched, and deleted when it is answered', async (t) => {
  const ctrl = new Controller();
  const fleet = await Fleet.for(t, { ctrl });
  const client = fleet.client();
  const set = event(ctrl, 'rset');
  const answer = client.call('svc', { a: 'ä' }, { ...PERSIST, timeout: 5000, mine: 1 });
  await set;
  const deleted = event(ctrl, 'rdel');
  const worker = fleet.handler('svc', (data) => data.a);
  assert.equal(await answer, 'ä');
  await deleted;

  const { socketId } = client;
  assert.deepEqual(ctrl.methods, ['rset', 'rset', 'rdel']);
  const [first, second, last] = ctrl.calls.map(([, req]) => req);
  const { rid, ts, msg } = first;
  const opts = { timeout: 5000, retry: 0, persist: 1, mine: 1 };
  assert.deepEqual({ ...first, msg: null }, {
    service: 'svc', clientId: socketId, attempts: 0, rid, timeout: 5000, ts, rejects: new Map(), msg: null, opts,
  });
  assert.deepEqual(msg.slice(0, 6), [socketId, 'C', '2', 'svc', rid, '{"a":"ä"}']);
  assert.deepEqual(JSON.parse(msg[6]), opts);
  assert.equal(typeof ts, 'number');
  assert.deepEqual([second.attempts, second.workerId, second.ts], [1, worker.socketId, ts]);
  assert.deepEqual([last.rid, last.workerId], [rid, worker.socketId]);
});

test('requests without persist are not stored', async (t) => {
  const ctrl = new Controller();
  const fleet = await Fleet.for(t, { ctrl });
  fleet.handler('svc', (data) => data);
  const client = fleet.client();
  assert.equal(await client.call('svc', 1), 1);
  const deleted = event(ctrl, 'rdel');
  assert.equal(await client.call('svc', 2, PERSIST), 2);
  await deleted;
  assert.deepEqual(ctrl.calls.map(([, req]) => req.msg[5]), ['2', '2', '2']);
});

test('a request is deleted when it expires, is cancelled or is lost with its worker', async (t) => {
  const ctrl = new Controller();
  const fleet = await Fleet.for(t, { ctrl });
  const client = fleet.client();
  const ended = async (code, answer) => {
    const deleted = event(ctrl, 'rdel');
    await assert.rejects(answer, { code });
    await deleted;
  };
  await ended('C_TIMEOUT', client.call('nobody', 1, { ...PERSIST, timeout: 20 }));
  const abort = new AbortController();
  ctrl.once('rset', () => abort.abort());
  await ended('C_CANCELLED', client.call('nobody', 1, { ...PERSIST, signal: abort.signal }));
  const worker = fleet.handler('svc', () => worker.stop());
  await ended('B_WORKER_LOST', client.call('svc', 1, PERSIST));
  assert.equal(ctrl.stored.size, 0);
});

for (const Kind of [Controller, JsonController]) {
  test(`the next run answers a pending request once (${Kind.name})`, async (t) => {
    const ctrl = new Kind();
    const fleet = await Fleet.for(t, { ctrl });
    const client = fleet.client({ reconnect: 20 });
    const set = event(ctrl, 'rset');
    const answer = client.call('svc', Buffer.from([0, 255, 10]), { ...PERSIST, retry: true });
    await set;
    const back = event(client, 'disconnect').then(() => event(client, 'connect'));
    await restart(fleet, ctrl);
    assert.equal(ctrl.stored.size, 1);
    assert.equal(fleet.broker.statistics().restored, 1);
    await back;
    const deleted = event(ctrl, 'rdel');
    let runs = 0;
    fleet.handler('svc', (data) => {
      runs += 1;
      return Buffer.concat([data, Buffer.from([runs])]);
    });
    assert.deepEqual(await answer, Buffer.from([0, 255, 10, 1]));
    await deleted;
    assert.equal(runs, 1);
  });
}

test('a client with the same identity gets the reply to a request of the previous run', async (t) => {
  const ctrl = new Controller();
  const fleet = await Fleet.for(t, { ctrl });
  const client = dealer(t, fleet.endpoint, 'C-1');
  const set = event(ctrl, 'rset');
  await client.send(['C', '2', 'svc', 'r1', '"x"', '{"persist":1}', 'extra']);
  const [{ ts }] = await set;
  await restart(fleet, ctrl);
  // The new broker knows the client from its first message on.
  await client.send(['C', '4']);
  await nextOf(client, '4');
  const worker = dealer(t, fleet.endpoint, 'W-1');
  await worker.send(['W', '1', 'svc']);
  assert.deepEqual(await nextOf(worker, '2'), ['W', '2', 'C-1', 'svc', '', 'r1', '"x"', '{"persist":1}', 'extra']);
  assert.equal(ctrl.stored.get('r1').ts, ts);
  await worker.send(['W', '3', 'C-1', '', 'r1', '0', '"done"', '{}']);
  assert.deepEqual(await nextOf(client, '3'), ['C', '3', '', 'r1', '0', '"done"', '{}']);
});

test('the timeout goes on while no broker runs', async (t) => {
  const ctrl = new Controller();
  const msg = ['C-1', 'C', '2', 'svc', 'r1', '1', '{"persist":1,"timeout":1000}'];
  const req = { service: 'svc', clientId: 'C-1', attempts: 0, rid: 'r1', timeout: 1000, ts: 0, msg, opts: PERSIST };
  ctrl.stored.set('r1', { ...req, ts: Date.now() - 1001 });
  ctrl.stored.set('r2', { ...req, rid: 'r2', timeout: -1 });
  const deleted = event(ctrl, 'rdel');
  const fleet = await Fleet.for(t, { ctrl });
  assert.equal((await deleted)[0].rid, 'r1');
  assert.deepEqual([...ctrl.stored.keys()], ['r2']);
  assert.equal(fleet.broker.statistics().queued, 1);
});

test("'start' is emitted after rgetall has answered, and no peer is served before", async (t) => {
  let give;
  const asked = new Promise((resolve) => {
    give = resolve;
  });
  const ctrl = Object.assign(new Controller(), { rgetall: (callback) => give(callback) });
  const broker = new pigato.Broker('tcp://127.0.0.1:*', { intch: null, ctrl });
  t.after(() => broker.stop());
  let hasStarted = false;
  broker.on('start', () => {
    hasStarted = true;
  });
  const starting = broker.start();
  const callback = await asked;
  const worker = dealer(t, broker.endpoints[0], 'W-1');
  await worker.send(['W', '1', 'svc']);
  worker.receiveTimeout = 100;
  await assert.rejects(worker.receive(), { code: 'EAGAIN' });
  worker.receiveTimeout = EVENT_TIMEOUT;
  assert.deepEqual([hasStarted, broker.statistics().workers], [false, 0]);
  callback(null, []);
  await starting;
  assert.equal(hasStarted, true);
  await nextOf(worker, '1');
});

test('a broker can be stopped while its controller does not answer', async () => {
  const ctrl = Object.assign(new Controller(), { rgetall: () => {} });
  const broker = new pigato.Broker('tcp://127.0.0.1:*', { intch: null, ctrl });
  broker.on('start', () => assert.fail('it never started'));
  const starting = broker.start();
  await broker.stop();
  await starting;
});

const TROUBLE = {
  throws: () => {
    throw new Error('trouble');
  },
  rejects: async () => {
    throw new Error('trouble');
  },
};

for (const [how, fail] of Object.entries(TROUBLE)) {
  test(`a controller that ${how} affects no request`, async (t) => {
    const ctrl = { rset: fail, rdel: fail, rgetall: fail };
    const silent = await Fleet.for(t, { ctrl });
    silent.handler('svc', (data) => data);
    assert.equal(await silent.client().call('svc', 1, PERSIST), 1);

    const broker = new pigato.Broker('tcp://127.0.0.1:*', { intch: null, ctrl });
    t.after(() => broker.stop());
    const errors = [];
    const four = new Promise((resolve) => {
      broker.on('error', (error) => errors.push(error.message) === 4 && resolve());
    });
    await broker.start();
    const worker = new pigato.Worker(broker.endpoints[0], 'svc');
    const client = new pigato.Client(broker.endpoints[0]);
    t.after(() => Promise.all([client.stop(), worker.stop()]));
    worker.handle((data) => data);
    worker.start();
    client.start();
    assert.equal(await client.call('svc', 2, PERSIST), 2);
    await four;
    assert.deepEqual(errors, Array(4).fill('trouble'));
  });
}

test("an error of rgetall is an 'error' event, and the broker starts without stored requests", async (t) => {
  const ctrl = Object.assign(new Controller(), { rgetall: (callback) => callback(new Error('no disk')) });
  const broker = new pigato.Broker('tcp://127.0.0.1:*', { intch: null, ctrl });
  t.after(() => broker.stop());
  const reported = event(broker, 'error').catch((error) => [error]);
  await broker.start();
  assert.equal((await reported)[0].message, 'no disk');
  assert.equal(broker.statistics().restored, 0);
});

test("invalid stored requests are 'error' events, and the others are restored", async (t) => {
  const good = { service: 'svc', clientId: 'C-1', rid: 'r1', msg: ['C-1', 'C', '2', 'svc', 'r1', '1', '{"persist":1}'] };
  const bad = [null, 5, {}, { ...good, clientId: 7 }, { ...good, rid: 'x'.repeat(256) }, { ...good, msg: [1, 2, 3, 4, 5, {}] }];
  const ctrl = Object.assign(new Controller(), { rgetall: (callback) => callback(null, [...bad, good]) });
  const broker = new pigato.Broker('tcp://127.0.0.1:*', { intch: null, ctrl });
  t.after(() => broker.stop());
  const codes = [];
  broker.on('error', ({ code }) => codes.push(code));
  const set = event(ctrl, 'rset');
  await broker.start();
  assert.deepEqual(codes, bad.map(() => 'E_DATA'));
  assert.equal((await set)[0].rid, 'r1');
  assert.equal(broker.statistics().restored, 1);
});

test('a controller without its methods is refused', async () => {
  for (const ctrl of [{}, { rset() {}, rdel() {} }, 'text']) {
    await assert.rejects(new pigato.Broker('tcp://127.0.0.1:*', { intch: null, ctrl }).start(), { code: 'E_OPTION' });
  }
});

/** The controller's calls for one request. `controller` emits each as 'call'. */
async function callsOf(t, endpoint, controller, isLast) {
  const worker = dealer(t, endpoint, 'W-1');
  await worker.send(['W', '1', 'svc']);
  await nextOf(worker, '1');
  const client = dealer(t, endpoint, 'C-1');
  const calls = [];
  const all = new Promise((resolve) => {
    controller.on('call', (call) => calls.push(call) && isLast(call) && resolve());
  });
  await client.send(['C', '2', 'svc', 'r1', '{"a":1}', '{"persist":1,"timeout":7000}']);
  const timer = setTimeout(() => controller.emit('call', ['no call in time']), EVENT_TIMEOUT);
  await nextOf(worker, '2');
  await worker.send(['W', '3', 'C-1', '', 'r1', '0', '1', '{}']);
  await all;
  clearTimeout(timer);
  // Maps are {} in JSON, and times differ between runs.
  return calls.map(([method, req]) => [method, { ...JSON.parse(JSON.stringify(req)), ts: 0 }]);
}

test('the calls are the same as those of the published broker', async (t) => {
  const child = spawn(process.execPath, [join(__dirname, 'published-ctrl.js')], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const published = new EventEmitter();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line);
    published.emit(message.event, message.call ?? message.endpoint);
  });
  const [endpoint] = await event(published, 'ready');
  const isLast = ([method]) => method !== 'rset';
  const expected = await callsOf(t, endpoint, published, isLast);

  const ours = new EventEmitter();
  const note = (method) => (req) => ours.emit('call', [method, { ...req }]);
  const ctrl = { rset: note('rset'), rdel: note('rdel'), rgetall: (callback) => callback(null, []) };
  const fleet = await Fleet.for(t, { ctrl });
  assert.deepEqual(await callsOf(t, fleet.endpoint, ours, isLast), expected);
  assert.equal(expected.length, 3);
});
