'use strict';
// Runs cargo for the scripts that build the native part.

const { spawnSync } = require('node:child_process');

/**
 * Runs cargo with its messages on the terminal; throws if it fails. Returns its standard output if
 * that is piped.
 */
function cargo(options, stdout = 'inherit') {
  const { status, error, stdout: output } = spawnSync('cargo', options, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['inherit', stdout, 'inherit'],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`cargo ${options[0]} failed with status ${status}; its messages are above`);
  return output;
}

/** Builds the native part with these options of `cargo build`; returns the path of the library. */
function buildLibrary(options) {
  return cargo(['build', ...options, '--message-format=json-render-diagnostics'], 'pipe')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .find((message) => message.reason === 'compiler-artifact' && message.target.name === 'pigato_node')
    .filenames.find((name) => /\.(so|dylib)$/.test(name));
}

module.exports = { buildLibrary, cargo };
