'use strict';
// The published tarballs, installed into an empty folder: with the platform's package, and without
// it, built from source. Not with the other tests, because it compiles.

const assert = require('node:assert/strict');
const { execFile, execFileSync } = require('node:child_process');
const { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join, resolve } = require('node:path');
const { before, after, beforeEach, test } = require('node:test');
const { promisify } = require('node:util');
const { platform } = require('../../lib/platform');

const ROOT = join(__dirname, '../..');
// Always the same folder: for another path cargo would compile and keep another copy of each crate.
const PLACE = join(resolve(process.env.CARGO_TARGET_DIR ?? join(ROOT, '../target')), 'node-install');
const FOLDER = join(PLACE, 'folder');
const PACKAGE = join(FOLDER, 'node_modules/pigato');
/** Settings for the fastest compilation. */
const QUICK = {
  CARGO_TARGET_DIR: join(PLACE, 'target'),
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_OPT_LEVEL: '0',
  CARGO_PROFILE_RELEASE_DEBUG: 'false',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
};
const ECHO = `
  const { Broker, Client, Worker } = require('pigato');
  (async () => {
    const broker = new Broker('tcp://127.0.0.1:*', { intch: null });
    await broker.start();
    const worker = new Worker(broker.endpoints[0], 'echo');
    worker.handle(async (data) => data);
    await worker.start();
    const client = new Client(broker.endpoints[0]);
    await client.start();
    console.log(await client.call('echo', 'hello'));
    await client.stop();
    await worker.stop();
    await broker.stop();
  })();
`;

const run = promisify(execFile);
/** Without the variables that `npm run` adds: its --silent would silence npm here too. */
const ENV = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
let dist;
let bare;
let main;
let forPlatform;

before(() => {
  dist = mkdtempSync(join(tmpdir(), 'pigato-release-'));
  execFileSync(process.execPath, ['scripts/package.js', dist], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  const named = (start) => join(dist, readdirSync(dist).find((name) => name.startsWith(start)));
  forPlatform = named(`pigato-${platform()}`);
  main = named('pigato-1');
  bare = join(dist, 'bin');
  mkdirSync(bare);
  for (const name of ['node', 'npm', 'sh', 'env']) {
    const path = process.env.PATH.split(':').map((folder) => join(folder, name)).find((file) => existsSync(file));
    symlinkSync(name === 'node' ? process.execPath : path, join(bare, name));
  }
});

after(() => {
  rmSync(dist, { recursive: true, force: true });
  rmSync(FOLDER, { recursive: true, force: true });
});

beforeEach(() => {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), '{}');
});

/** The environment of a machine with Node.js and without Rust and a compiler. */
const withoutTools = () => ({ ...ENV, PATH: bare });

const install = (env, ...args) =>
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...args], { cwd: FOLDER, env });

const echo = (env = ENV) => run(process.execPath, ['-e', ECHO], { cwd: FOLDER, env, timeout: 20_000 });

test('with the package for the platform the installation needs neither Rust nor a compiler', async () => {
  await install(withoutTools(), main, forPlatform);
  const { stdout } = await echo(withoutTools());
  assert.equal(stdout, 'hello\n');
  assert.ok(!readdirSync(PACKAGE).some((name) => name.endsWith('.node')));
});

test('the published manifest names a package of the same version for each platform, and no development dependencies', async () => {
  await install(ENV, '--ignore-scripts', main);
  const { version, optionalDependencies, devDependencies, dependencies, scripts } = require(join(PACKAGE, 'package.json'));
  const platforms = ['darwin-arm64', 'darwin-x64', 'linux-arm64-gnu', 'linux-arm64-musl', 'linux-x64-gnu', 'linux-x64-musl'];
  const wanted = Object.fromEntries(platforms.map((name) => [`pigato-${name}`, version]));
  assert.deepEqual(optionalDependencies, wanted);
  assert.deepEqual([devDependencies, dependencies, Object.keys(scripts)], [undefined, undefined, ['install']]);
});

test('a build from source names a missing tool, with a code', async () => {
  await assert.rejects(install(withoutTools(), main), /ERR_NATIVE_NO_RUST: Rust 1\.\d+ or later is needed/);
  const old = join(dist, 'old');
  mkdirSync(old);
  writeFileSync(join(old, 'rustc'), '#!/bin/sh\necho "rustc 1.9.0 (of old)"\n');
  chmodSync(join(old, 'rustc'), 0o755);
  const withOld = { ...ENV, PATH: `${old}:${ENV.PATH}` };
  await assert.rejects(install(withOld, main), /ERR_NATIVE_OLD_RUST: Rust 1\.\d+ or later is needed, this is 1\.9\.0/);
  await assert.rejects(install({ ...ENV, CXX: 'no-such-c++' }, main), /ERR_NATIVE_NO_COMPILER: .* no-such-c\+\+ was not found/);
});

test('without the package for the platform the error contains the build command, which works', async () => {
  await install(ENV, '--ignore-scripts', main);
  const { stderr } = await echo().catch((error) => error);
  assert.match(stderr, /ERR_NATIVE_MISSING/);
  const [, script] = stderr.match(/Rust and a C\+\+ compiler: node (.*)/);
  assert.equal(dirname(dirname(script)), PACKAGE);
  await run(process.execPath, [script], { env: { ...ENV, ...QUICK }, timeout: 600_000, maxBuffer: 1 << 28 });
  assert.equal((await echo(withoutTools())).stdout, 'hello\n');
});
