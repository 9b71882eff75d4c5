'use strict';
// The install script of the package. If no native part for this platform was installed, builds it
// from the sources in `native` with Rust and a C++ compiler.

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

/**
 * Loads the native part in a separate process, because a process cannot load a library again after
 * it was replaced.
 */
function tryToLoad() {
  return spawnSync(process.execPath, [join(ROOT, 'lib/native.js')], { encoding: 'utf8' });
}

function isEarlier(version, other) {
  const [parts, others] = [version, other].map((text) => text.split('.').map(Number));
  const at = others.findIndex((part, index) => part !== (parts[index] ?? 0));
  return at !== -1 && (parts[at] ?? 0) < others[at];
}

function checkTools() {
  const wanted = readFileSync(join(SOURCES, 'Cargo.toml'), 'utf8').match(/^rust-version = "(.*)"/m)[1];
  const { stdout } = spawnSync('rustc', ['--version'], { encoding: 'utf8' });
  const version = stdout?.match(/^rustc ([\d.]+)/)?.[1];
  if (version === undefined) {
    throw new BuildError(
      'ERR_NATIVE_NO_RUST',
      `Rust ${wanted} or later is needed, and a C++ compiler; install Rust from https://rustup.rs`,
    );
  }
  if (isEarlier(version, wanted)) {
    throw new BuildError(
      'ERR_NATIVE_OLD_RUST',
      `Rust ${wanted} or later is needed, this is ${version}; run: rustup update stable`,
    );
  }
  const compiler = process.env.CXX ?? 'c++';
  if (spawnSync(compiler.split(' ')[0], ['--version']).error) {
    throw new BuildError(
      'ERR_NATIVE_NO_COMPILER',
      `a C++ compiler is needed, but ${compiler} was not found; install g++ or clang++, or set CXX to the compiler's name`,
    );
  }
}

function build() {
  console.log('pigato: found no native part for this platform; building it, which takes some minutes');
  checkTools();
  const own = process.env.CARGO_TARGET_DIR ? [] : ['--target-dir', join(SOURCES, 'target')];
  try {
    const options = ['--release', '--locked', '--package', 'pigato-node', '--manifest-path', join(SOURCES, 'Cargo.toml')];
    copyFileSync(buildLibrary([...options, ...own]), join(ROOT, fileName()));
  } catch (error) {
    throw new BuildError('ERR_NATIVE_BUILD', `building the native part failed: ${error.message}`);
  } finally {
    if (own.length > 0) rmSync(join(SOURCES, 'target'), { recursive: true, force: true });
  }
  const { status, stderr } = tryToLoad();
  if (status !== 0) throw new BuildError('ERR_NATIVE_BUILD', `the native part was built but does not load: ${stderr}`);
}

// A checkout has no folder `native`; `npm run build` builds there.
if (existsSync(SOURCES) && tryToLoad().status !== 0) {
  try {
    build();
  } catch (error) {
    console.error(`pigato: ${error.code ?? 'ERR_NATIVE_BUILD'}: ${error.message}`);
    process.exitCode = 1;
  }
}
