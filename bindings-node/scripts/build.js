'use strict';
// Builds the native part and puts it beside the package. `--release` for the fast one.

const { execFileSync } = require('node:child_process');
const { copyFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const isRelease = process.argv.includes('--release');
const cargo = process.env.CARGO ?? 'cargo';
const { platform } = require('../lib/platform');

const options = ['build', '--package', 'pigato-node', '--message-format=json-render-diagnostics'];
if (isRelease) options.push('--release');
const output = execFileSync(cargo, options, {
  cwd: root,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  maxBuffer: 1 << 28,
});
const artifact = output
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line))
  .find((message) => message.reason === 'compiler-artifact' && message.target.name === 'pigato_node');
const library = artifact.filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
copyFileSync(library, join(root, `pigato.${platform()}.node`));
