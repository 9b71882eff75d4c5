'use strict';
// Loads the native part: from this package's folder if it was built or packed there, else from the
// package `pigato-PLATFORM`.

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
    const isInstalled = existsSync(join(ROOT, 'native'));
    const command = isInstalled ? `node ${join(ROOT, 'scripts/install.js')}` : `npm run build in ${ROOT}`;
    const error = new Error(
      `pigato has no native part for ${platform()}: there is neither ${file} nor a package ${name}. ` +
        `Install ${name} of the same version, or build it with Rust and a C++ compiler: ${command}`,
      { cause },
    );
    throw Object.assign(error, { code: 'ERR_NATIVE_MISSING' });
  }
}

module.exports = load();
