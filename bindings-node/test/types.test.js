'use strict';
// index.d.ts: what it accepts and refuses, and that it is complete.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { test } = require('node:test');
const native = require('../lib/native');

const TYPES = readFileSync(join(__dirname, '../index.d.ts'), 'utf8');

test('the types accept valid programs and refuse invalid ones', () => {
  const compiler = require.resolve('typescript/bin/tsc');
  try {
    execFileSync(process.execPath, [compiler, '--project', join(__dirname, 'types')], { encoding: 'utf8' });
  } catch (error) {
    assert.fail(error.stdout);
  }
});

test('the types contain all error codes and all options of the core', () => {
  const codes = TYPES.slice(TYPES.indexOf('ErrorCode ='), TYPES.indexOf('export class')).match(/[A-Z]_[A-Z_]+/g);
  assert.deepEqual(codes.sort(), Object.keys(JSON.parse(native.errorCodes())).sort());
  for (const [role, names] of [['client', 'ClientConf PeerConf'], ['worker', 'WorkerConf PeerConf'], ['broker', 'BrokerConf']]) {
    const declared = names.split(' ').map((name) => TYPES.match(new RegExp(`interface ${name}[^}]*`))[0]).join('');
    for (const option of Object.keys(JSON.parse(native.defaultOptions(role)))) {
      assert.match(declared, new RegExp(`\\b${option}\\?:`), `${role}: ${option}`);
    }
  }
});
