'use strict';
// Programs for the published package run unchanged: client, worker and broker, each on that package
// or on this one (`ours`).

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { describe, test } = require('node:test');
const { Program, Sandbox } = require('./program');

const STOCKS = join(__dirname, '../examples/stocks.csv');
const PACKAGES = ['ours', 'published'];

/** Whether the broker passes heartbeats of a request on to its worker. */
const PASSES_HEARTBEATS = { ours: true, published: false };

/**
 * Run one after the other at one broker. `worker` and `client` start a program on the package of
 * their side.
 */
const SCENARIOS = {
  async echo({ worker, client }) {
    await worker('echo-worker').prints('connected');
    assert.deepEqual(await client('echo-client').output(), [
      'DATA foo-stream',
      'END',
      'FINAL 0 {"foo":["callback",null,"grün"]}',
    ]);
  },

  async 'partial replies'({ worker, client }) {
    const offering = await worker('partial-worker').prints('connected');
    assert.deepEqual(await client('partial-client').output(), [
      'FINAL 0 FINAL DATA AFTER 1000',
      'FINAL FAILED on purpose null AFTER 1000',
    ]);
    assert.deepEqual(offering.lines, ['connected']);
  },

  async 'a file that is piped'({ worker, client }) {
    await worker('stocks-worker').prints('connected');
    const output = await client('stocks-client', STOCKS).output();
    assert.deepEqual(output, readFileSync(STOCKS, 'utf8').trimEnd().split('\n'));
  },

  async 'a request to each worker of a service'({ worker, client, intch }) {
    await worker('directory', intch).prints('directory started');
    const workers = worker('broadcast-worker');
    await workers.prints('first connected');
    await workers.prints('second connected');
    assert.deepEqual(await client('broadcast-client').output(), ['first got foo', 'second got foo']);
  },

  async 'a worker that raises its concurrency'({ worker, client }) {
    await worker('concurrency-worker').prints('connected');
    assert.deepEqual(await client('concurrency-client').output(), Array(4).fill('0 2 at once'));
  },

  async 'a stream whose client stops'({ worker, client, broker }) {
    const offering = await worker('endless-worker').prints('connected');
    // 100 partial replies take longer than three heartbeats.
    const count = PASSES_HEARTBEATS[broker] ? 100 : 10;
    assert.deepEqual(await client('endless-client', String(count), 'stop').output(), [`read ${count}`]);
    await offering.prints('inactive');
  },

  async 'a stream whose client is killed'({ worker, client }) {
    const offering = await worker('endless-worker').prints('connected');
    const reading = await client('endless-client', '10').prints('read 10');
    await reading.kill();
    await offering.prints('inactive');
  },

  async 'a stream whose client sends no more heartbeats for it'({ worker, client }) {
    const offering = await worker('endless-worker').prints('connected');
    await client('endless-client', '10').prints('read 10');
    await offering.prints('inactive');
  },
};

/** Clients of this package send heartbeats for their requests by themselves. */
const ONLY_PUBLISHED_CLIENTS = ['a stream whose client sends no more heartbeats for it'];

async function run(t, broker, workerPackage, clientPackage) {
  const sandbox = new Sandbox(t);
  const [address, intch] = ['broker', 'intch'].map((name) => sandbox.address(name));
  await new Program(t, sandbox, broker, 'broker', address, intch).prints('broker started');
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (clientPackage === 'ours' && ONLY_PUBLISHED_CLIENTS.includes(name)) continue;
    await t.test(name, async (own) => {
      const on = (from) => (program, ...options) => new Program(own, sandbox, from, program, address, ...options);
      await scenario({ worker: on(workerPackage), client: on(clientPackage), broker, intch });
    });
  }
}

describe('published programs', { concurrency: 4 }, () => {
  for (const broker of PACKAGES) {
    for (const worker of PACKAGES) {
      for (const client of PACKAGES) {
        test(`broker ${broker}, worker ${worker}, client ${client}`, (t) => run(t, broker, worker, client));
      }
    }
  }
});
