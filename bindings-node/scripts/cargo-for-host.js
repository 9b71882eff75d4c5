#!/usr/bin/env node
'use strict';
// Cargo for `napi build`, which always passes `--target`. With it, cargo uses a separate folder and
// compiles libzmq and the core a second time. This script drops the option and copies the library
// to where `napi build` looks for it.

const { copyFileSync, mkdirSync } = require('node:fs');
const { basename, dirname, join } = require('node:path');
const { buildLibrary, cargo } = require('./cargo');

const options = process.argv.slice(2);
const at = options.indexOf('--target');
try {
  if (options[0] === 'build' && at !== -1) {
    const target = options[at + 1];
    const library = buildLibrary(options.toSpliced(at, 2).slice(1));
    const profile = dirname(library);
    const expected = join(dirname(profile), target, basename(profile));
    mkdirSync(expected, { recursive: true });
    copyFileSync(library, join(expected, basename(library)));
  } else {
    cargo(options);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
