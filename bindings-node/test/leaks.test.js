'use strict';
// Heap, memory, threads and descriptors return to their level before the work.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { test } = require('node:test');

const SETUP = `
const assert = require('node:assert/strict');
const { readdirSync, readFileSync } = require('node:fs');
const pigato = require(${JSON.stringify(require.resolve('..'))});
const MEGABYTE = 1 << 20;

async function settled() {
  for (let round = 0; round < 10; round += 1) {
    global.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
async function now() {
  await settled();
  return {
    heap: process.memoryUsage().heapUsed,
    rss: process.memoryUsage().rss,
    descriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
  };
}
async function main(work, rounds) {
  const broker = new pigato.Broker('tcp://127.0.0.1:*', { intch: null });
  await broker.start();
  const [endpoint] = broker.endpoints;
  const worker = new pigato.Worker(endpoint, 'service', { concurrency: -1 });
  await worker.start();
  const client = new pigato.Client(endpoint);
  await client.start();
  const fleet = { endpoint, broker, worker, client };
  await work(fleet, rounds); // fills pools and caches
  const before = await now();
  await work(fleet, rounds);
  const deadline = Date.now() + 30_000;
  let after;
  do {
    after = await now();
  } while ((after.descriptors > before.descriptors || after.threads > before.threads) && Date.now() < deadline);
  console.log(JSON.stringify({ before, after }));
  assert.ok(after.heap - before.heap < 2 * MEGABYTE, 'heap');
  assert.ok(after.rss - before.rss < 48 * MEGABYTE, 'rss');
  assert.ok(after.descriptors <= before.descriptors, 'descriptors');
  assert.ok(after.threads <= before.threads, 'threads');
  const { queued, inFlight, requestBytes } = broker.statistics();
  assert.deepEqual({ queued, inFlight, requestBytes }, { queued: 0, inFlight: 0, requestBytes: 0 });
  await client.stop();
  await worker.stop();
  await broker.stop();
}
`;

/** Runs `work` twice in a process of its own. Whatever the second run adds is a leak. */
async function check(work, rounds) {
  const program = `${SETUP} main(${work}, ${rounds}).catch((error) => { console.error(error); process.exit(1); });`;
  const child = spawn(process.execPath, ['--expose-gc', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text));
  const [code] = await once(child, 'close');
  assert.equal(code, 0, printed);
}

test('50,000 requests leak nothing', () =>
  check(async function work({ worker, client }, rounds) {
    worker.handle((data) => data);
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(Array.from({ length: 1000 }, (_, at) => client.call('service', { at, text: 'x'.repeat(100) })));
    }
  }, 50));

test('5,000 streams that are left half-way leak nothing', () =>
  check(async function work({ worker, client }, rounds) {
    let running = 0;
    worker.handle(async function* parts() {
      running += 1;
      try {
        for (let at = 0; ; at += 1) {
          yield at;
          if (at % 5 === 4) await new Promise(setImmediate);
        }
      } finally {
        running -= 1;
      }
    });
    const leave = async () => {
      for await (const part of client.stream('service')) if (part === 3) break;
    };
    for (let round = 0; round < rounds; round += 1) await Promise.all(Array.from({ length: 50 }, leave));
    while (running > 0) await new Promise(setImmediate);
  }, 100));

test('500 clients that are started and stopped leak nothing', () =>
  check(async function work({ endpoint, worker }, rounds) {
    worker.handle((data) => data);
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(Array.from({ length: 20 }, async () => {
        const client = new pigato.Client(endpoint);
        await client.start();
        await client.call('service', 1);
        await client.stop();
      }));
    }
  }, 25));
