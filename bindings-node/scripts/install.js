'use strict';
// Runs when the package is installed. Where no native part for this platform came with it, it is built from the sources
// in `native`, with Rust and a C++ compiler.

const { spawnSync } = require('node:child_process');
const { copyFileSync, existsSync, readFileSync, rmSync } = require('node:fs');
const { join } = require('node:path');
const { fileName } = require('../lib/platform');
const { buildLibrary } = require('./cargo');

const ROOT = join(__dirname, '..');
const SOURCES = join(ROOT, 'native');

class BuildError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** In a process of its own: a library that this one has loaded could not be loaded anew. */
function loads() {
  return spawnSync(process.execPath, [join(ROOT, 'lib/native.js')], { encoding: 'utf8' });
}

function isEarlier(version, than) {
  const [parts, others] = [version, than].map((text) => text.split('.').map(Number));
  const at = others.findIndex((part, index) => part !== (parts[index] ?? 0));
  return at !== -1 && (parts[at] ?? 0) < others[at];
}

function checkTools() {
  const wanted = readFileSync(join(SOURCES, 'Cargo.toml'), 'utf8').match(/^rust-version = "(.*)"/m)[1];
  const { stdout } = spawnSync('rustc', ['--version'], { encoding: 'utf8' });
  const version = stdout?.match(/^rustc ([\d.]+)/)?.[1];
  if (version === undefined) {
    throw new BuildError('ERR_NATIVE_NO_RUST', `Rust ${wanted} or later is needed, and a C++ compiler: see https://rustup.rs`);
  }
  if (isEarlier(version, wanted)) {
    throw new BuildError('ERR_NATIVE_OLD_RUST', `Rust ${wanted} or later is needed, this is ${version}: rustup update stable`);
  }
  const compiler = process.env.CXX ?? 'c++';
  if (spawnSync(compiler.split(' ')[0], ['--version']).error) {
    throw new BuildError(
      'ERR_NATIVE_NO_COMPILER',
      `a C++ compiler is needed, and there is no ${compiler}: install g++ or clang++, or set CXX to its name`,
    );
  }
}

function build() {
  console.log('pigato: no native part for this platform, building it (some minutes)');
  checkTools();
  const own = process.env.CARGO_TARGET_DIR ? [] : ['--target-dir', join(SOURCES, 'target')];
  try {
    const options = ['--release', '--locked', '--package', 'pigato-node', '--manifest-path', join(SOURCES, 'Cargo.toml')];
    copyFileSync(buildLibrary([...options, ...own]), join(ROOT, fileName()));
  } catch (error) {
    throw new BuildError('ERR_NATIVE_BUILD', `the native part could not be built: ${error.message}; see above`);
  } finally {
    if (own.length > 0) rmSync(join(SOURCES, 'target'), { recursive: true, force: true });
  }
  const { status, stderr } = loads();
  if (status !== 0) throw new BuildError('ERR_NATIVE_BUILD', `what was built does not load: ${stderr}`);
}

// A checkout has no such folder: `npm run build` is what builds there.
if (existsSync(SOURCES) && loads().status !== 0) {
  try {
    build();
  } catch (error) {
    console.error(`pigato: ${error.code ?? 'ERR_NATIVE_BUILD'}: ${error.message}`);
    process.exitCode = 1;
  }
}
