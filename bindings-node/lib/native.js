'use strict';
// Finds the native part: beside this package if it was built or packed with it, else in the package for this platform.

const { readdirSync } = require('node:fs');
const { join } = require('node:path');
const { platform } = require('./platform');

function load() {
  const name = platform();
  const file = `pigato.${name}.node`;
  if (readdirSync(join(__dirname, '..')).includes(file)) return require(join(__dirname, '..', file));
  try {
    return require(`pigato-${name}`);
  } catch (cause) {
    if (cause.code !== 'MODULE_NOT_FOUND') throw cause;
    throw new Error(
      `pigato has no native part for ${name}: neither ${file} nor the package pigato-${name} is there. ` +
        'With Rust and a C++ compiler it can be built in a checkout of the repository: npm run build',
      { cause },
    );
  }
}

module.exports = load();
