'use strict';
// Processes and threads end when they should.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { test } = require('node:test');
const { Worker: Thread } = require('node:worker_threads');

const SETUP = `
const pigato = require(${JSON.stringify(require.resolve('..'))});
const broker = new pigato.Broker('tcp://127.0.0.1:*', { intch: null });
async function fleet() {
  await broker.start();
  const [endpoint] = broker.endpoints;
  const worker = new pigato.Worker(endpoint, 'echo');
  worker.handle((data) => data);
  await worker.start();
  const client = new pigato.Client(endpoint);
  await client.start();
  return { endpoint, worker, client };
}
`;

/**
 * Runs a program; resolves with its exit code (null if it was killed) and its output. With `until`,
 * does not wait for its end.
 */
async function run(program, { timeout = 20_000, until } = {}) {
  const child = spawn(process.execPath, ['-e', SETUP + program], { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
  let printed = '';
  child.stdout.on('data', (text) => {
    printed += text;
    if (until && printed.includes(until)) child.emit('printed');
  });
  child.stderr.on('data', (text) => {
    printed += text;
  });
  if (until) {
    await once(child, 'printed', { signal: AbortSignal.timeout(timeout) });
    return { child, timer };
  }
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  return { code, printed };
}

test('a process ends when everything is stopped', async () => {
  const { code, printed } = await run(`fleet().then(async ({ worker, client }) => {
    console.log(await client.call('echo', 'hello'));
    await client.stop(); await worker.stop(); await broker.stop();
  });`);
  assert.deepEqual([code, printed], [0, 'hello\n']);
});

test('a client keeps the process alive while a request is pending', async () => {
  const { code, printed } = await run(`
    const client = new pigato.Client('tcp://127.0.0.1:1');
    client.start();
    client.request('echo', 1, null, (error) => console.log(error), { timeout: 300 });`);
  assert.deepEqual([code, printed], [0, 'C_TIMEOUT\n']);
});

test('a process stays alive while it awaits the stop of an idle client', async () => {
  const { code, printed } = await run(`
    const client = new pigato.Client('tcp://127.0.0.1:1');
    client.start().then(() => client.stop()).then(() => console.log('stopped'));`);
  assert.deepEqual([code, printed], [0, 'stopped\n']);
});

test('an idle client does not keep the process alive', async () => {
  const { code } = await run("new pigato.Client('tcp://127.0.0.1:1').start();");
  assert.equal(code, 0);
});

for (const [what, program] of [
  ['broker', "broker.start().then(() => console.log('up'));"],
  ['worker', "new pigato.Worker('tcp://127.0.0.1:1', 'echo').start(); console.log('up');"],
]) {
  test(`a started ${what} keeps the process alive, and a signal ends it`, async () => {
    const { child, timer } = await run(program, { until: 'up' });
    // Without a reference it would have ended before this process of an idle client, which started
    // later.
    await run("new pigato.Client('tcp://127.0.0.1:1').start();");
    assert.equal(child.exitCode, null);
    child.kill('SIGTERM');
    const [code, signal] = await once(child, 'close');
    clearTimeout(timer);
    assert.deepEqual([code, signal], [null, 'SIGTERM']);
  });
}

test('process.exit in the middle of a flood', async () => {
  const { code, printed } = await run(`fleet().then(({ client }) => {
    let answered = 0;
    for (let at = 0; at < 20000; at += 1) {
      client.request('echo', at, null, () => { if ((answered += 1) === 100) process.exit(7); });
    }
  });`);
  assert.deepEqual([code, printed], [7, '']);
});

test('an uncaught exception of a callback ends the process', async () => {
  const { code, printed } = await run(`fleet().then(({ client }) => {
    client.request('echo', 1, null, () => { throw new Error('mine'); });
  });`);
  assert.equal(code, 1);
  assert.match(printed, /Error: mine/);
});

test('50 threads are terminated while requests are pending', async () => {
  const program = `${SETUP}
    const { parentPort } = require('node:worker_threads');
    fleet().then(({ client }) => {
      const again = (error) => { if (error === 0) client.request('echo', 1, null, again); };
      for (let at = 0; at < 50; at += 1) again(0);
      client.call('echo', 'up').then((up) => parentPort.postMessage(up));
    });`;
  for (let round = 0; round < 10; round += 1) {
    const threads = Array.from({ length: 5 }, () => new Thread(program, { eval: true }));
    await Promise.all(threads.map((thread) => once(thread, 'message', { signal: AbortSignal.timeout(20_000) })));
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
});

test('a thread ends by itself when everything in it is stopped', async () => {
  const thread = new Thread(`${SETUP} fleet().then(async ({ worker, client }) => {
    await client.call('echo', 1);
    await client.stop(); await worker.stop(); await broker.stop();
  });`, { eval: true });
  const [code] = await once(thread, 'exit', { signal: AbortSignal.timeout(20_000) });
  assert.equal(code, 0);
});
