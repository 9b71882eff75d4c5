'use strict';
// Finds the native part: beside this package if it was built or packed with it, else in the package for this platform.

const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { fileName, platform } = require('./platform');

const ROOT = join(__dirname, '..');

/** @returns {typeof import('../native')} */
function load() {
  const file = join(ROOT, fileName());
  if (existsSync(file)) return require(file);
  const name = `pigato-${platform()}`;
  try {
    return require(name);
  } catch (cause) {
    if (cause.code !== 'MODULE_NOT_FOUND') throw cause;
    const command = existsSync(join(ROOT, 'native')) ? `node ${join(ROOT, 'scripts/install.js')}` : `npm run build in ${ROOT}`;
    const error = new Error(
      `pigato has no native part for ${platform()}: neither ${file} nor the package ${name} is there. ` +
        `With Rust and a C++ compiler this builds it: ${command}`,
      { cause },
    );
    throw Object.assign(error, { code: 'ERR_NATIVE_MISSING' });
  }
}

module.exports = load();
