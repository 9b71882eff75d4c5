'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');

const TIMEOUT_MS = 20_000;

test('messages that arrive during a bind do not prevent it', () => {
  // In a separate process, because a process that receives forever could not report it.
  const { status, signal, stderr } = spawnSync(process.execPath, [path.join(__dirname, 'binding.js')], {
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
  });
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' });
});
