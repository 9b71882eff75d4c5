'use strict';
// Programs written for the published package run unchanged: client, worker and broker, each on that package or on ours.

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { describe, test } = require('node:test');
const { Place, Program } = require('./program');

const STOCKS = join(__dirname, '../examples/stocks.csv');
const PACKAGES = ['ours', 'published'];

/** Heartbeats of a request reach its worker: the published broker keeps them to itself. */
const HEARTS = { ours: true, published: false };

/** What is run, one after the other, at one broker. `worker` and `client` start a program on their side's package. */
const SCENARIOS = {
  async echo({ worker, client }) {
    await worker('echo-worker').says('connected');
    assert.deepEqual(await client('echo-client').output(), [
      'DATA foo-stream',
      'END',
      'FINAL 0 {"foo":["callback",null,"grün"]}',
    ]);
  },

  async 'partial replies'({ worker, client }) {
    const offering = await worker('partial-worker').says('connected');
    assert.deepEqual(await client('partial-client').output(), [
      'FINAL 0 FINAL DATA AFTER 1000',
      'FINAL FAILED on purpose null AFTER 1000',
    ]);
    assert.deepEqual(offering.said, ['connected']);
  },

  async 'a file that is piped'({ worker, client }) {
    await worker('stocks-worker').says('connected');
    const output = await client('stocks-client', STOCKS).output();
    assert.deepEqual(output, readFileSync(STOCKS, 'utf8').trimEnd().split('\n'));
  },

  async 'a message to each worker of a service'({ worker, client, intch }) {
    await worker('directory', intch).says('directory started');
    const workers = worker('broadcast-worker');
    await workers.says('first connected');
    await workers.says('second connected');
    assert.deepEqual(await client('broadcast-client').output(), ['first got foo', 'second got foo']);
  },

  async 'concurrency that is raised while it runs'({ worker, client }) {
    await worker('concurrency-worker').says('connected');
    assert.deepEqual(await client('concurrency-client').output(), Array(4).fill('0 2 at once'));
  },

  async 'a stream whose client stops'({ worker, client, broker }) {
    const offering = await worker('endless-worker').says('connected');
    // So many take longer than three heartbeats.
    const count = HEARTS[broker] ? 100 : 10;
    assert.deepEqual(await client('endless-client', String(count), 'stop').output(), [`read ${count}`]);
    await offering.says('inactive');
  },

  async 'a stream whose client is killed'({ worker, client }) {
    const offering = await worker('endless-worker').says('connected');
    const reading = await client('endless-client', '10').says('read 10');
    await reading.kill();
    await offering.says('inactive');
  },

  async 'a stream that its client says nothing more about'({ worker, client }) {
    const offering = await worker('endless-worker').says('connected');
    await client('endless-client', '10').says('read 10');
    await offering.says('inactive');
  },
};

/** A client of ours says by itself that it waits, for as long as it does. */
const ONLY_PUBLISHED_CLIENTS = ['a stream that its client says nothing more about'];

async function run(t, broker, workerPackage, clientPackage) {
  const place = new Place(t);
  const [address, intch] = ['broker', 'intch'].map((name) => place.address(name));
  await new Program(t, place, broker, 'broker', address, intch).says('broker started');
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (clientPackage === 'ours' && ONLY_PUBLISHED_CLIENTS.includes(name)) continue;
    await t.test(name, async (own) => {
      const on = (from) => (program, ...options) => new Program(own, place, from, program, address, ...options);
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
