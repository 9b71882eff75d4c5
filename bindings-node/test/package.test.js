'use strict';
// A new user: installs the tarball into an empty folder and runs the examples of the README and of
// `examples`.

const assert = require('node:assert/strict');
const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { createServer } = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { before, after, test } = require('node:test');
const { promisify } = require('node:util');

const ROOT = join(__dirname, '..');
const run = promisify(execFile);
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pigato-install-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
  const [{ filename }] = JSON.parse(stdout);
  writeFileSync(join(folder, 'package.json'), '{}');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, filename)], { cwd: folder });
});

after(() => rmSync(folder, { recursive: true, force: true }));

test('the package loads by require and by import, and has no dependencies', async () => {
  const program = "import { Client } from 'pigato'; import { createRequire } from 'node:module';"
    + "console.log(createRequire(process.cwd() + '/x.js')('pigato').Client === Client);";
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: folder });
  assert.equal(stdout, 'true\n');
  const { stdout: listed } = await run('npm', ['ls', '--all', '--parseable'], { cwd: folder });
  assert.equal(listed.trim().split('\n').length, 2);
});

/** A free port: the one in the README may be in use. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

test('the examples of the README print the documented output', async () => {
  const examples = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);
  const printed = [];
  for (const [at, code] of examples.entries()) {
    const port = await freePort();
    writeFileSync(join(folder, `readme-${at}.js`), code.replaceAll(/127\.0\.0\.1:\d+/g, `127.0.0.1:${port}`));
    const { stdout } = await run(process.execPath, [`readme-${at}.js`], { cwd: folder, timeout: 20_000 });
    printed.push(stdout);
  }
  assert.deepEqual(printed, [
    'hello, world\n',
    '1\n2\n3\nC_TIMEOUT\n',
    '1\nstored and answered\n',
    'PARTIAL PARTIAL DATA 0\nPARTIAL PARTIAL DATA 1\nPARTIAL PARTIAL DATA 2\nFINAL FINAL DATA\n',
  ]);
});

/** Starts a program that runs until the end of the test; resolves with its output up to `text`. */
async function started(t, name, args, text) {
  const child = spawn(process.execPath, [join('node_modules/pigato/examples', name), ...args], { cwd: folder });
  t.after(async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  let printed = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    printed += chunk;
    if (printed.includes(text)) return printed;
  }
  throw new Error(`${name} ended without printing ${text}`);
}

test('the examples run: echo, flood, stocks, and the HTTP front with server-sent events', async (t) => {
  const printed = await started(t, 'broker.js', ['tcp://127.0.0.1:*'], '\n');
  const address = printed.match(/tcp:\S+/)[0];
  await started(t, 'echo.js', ['worker', address], 'offered');
  await started(t, 'stocks.js', ['worker', address], 'offered');
  const example = async (name, ...args) => {
    const { stdout } = await run(process.execPath, [join('node_modules/pigato/examples', name), ...args], { cwd: folder });
    return stdout;
  };
  assert.equal(await example('echo.js', 'client', address), 'promise: hello\ncallback: 0 hello\nstream: hello\n');
  assert.match(await example('client-flood.js', address, '20000'), /^20000 requests answered/);
  const stocks = readFileSync(join(ROOT, 'examples/stocks.csv'), 'utf8');
  assert.equal(await example('stocks.js', 'client', address), stocks);

  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules/fastify'), join(folder, 'node_modules/fastify'));
  const front = await started(t, 'http-front.js', [address, '0'], '\n');
  const url = front.match(/http:\S+/)[0];
  const posted = await fetch(`${url}/echo`, {
    method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' },
  });
  assert.deepEqual(await posted.json(), { data: { a: 1 } });
  const events = await (await fetch(`${url}/stock`)).text();
  assert.equal(events, `data: ${JSON.stringify(stocks)}\n\nevent: end\ndata: null\n\n`);
  assert.equal((await fetch(`${url}/nobody`, { method: 'POST' })).status, 404);
});
