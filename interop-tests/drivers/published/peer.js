'use strict';

// One program for every role of the published package. It reads and writes lines of JSON on
// standard input and output, so that a test in any language can control it. See README.md for the
// lines.
//
// Invariants: standard output contains only such lines, and the process always ends: by
// {"op":"stop"}, by the end of its input, or by the watchdog.

const readline = require('node:readline');
const { parseArgs } = require('node:util');

const { say, sayError } = require('./say');

const EXIT = { OK: 0, FATAL: 1, USAGE: 2, WATCHDOG: 3, FAILED: 4 };
const STOP_LIMIT_MS = 3000;

const ROLES = {
  broker: { start: require('./roles/broker'), needs: ['endpoint'] },
  worker: { start: require('./roles/worker'), needs: ['endpoint', 'service'] },
  client: { start: require('./roles/client'), needs: ['endpoint'] },
  directory: { start: require('./roles/directory'), needs: ['endpoint', 'intch'] },
};

const OPTIONS = {
  endpoint: { type: 'string' },
  intch: { type: 'string' },
  service: { type: 'string' },
  conf: { type: 'string', default: '{}' },
  'max-seconds': { type: 'string', default: '120' },
  verbose: { type: 'boolean', default: false },
  die: { type: 'boolean', default: false },
};

function main() {
  const options = readCommandLine();
  superviseErrors(options);
  startWatchdog(options.maxSeconds);

  const role = ROLES[options.role].start(options, fail);
  const stop = stopOnce(role);
  listen({ stop, ...role.ops }, stop);
}

function readCommandLine() {
  try {
    const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
    const [role] = positionals;
    if (positionals.length !== 1 || !Object.hasOwn(ROLES, role)) {
      throw new Error(`one role of ${Object.keys(ROLES).join(', ')} is needed`);
    }
    for (const name of ROLES[role].needs) {
      if (!values[name]) throw new Error(`${role} needs --${name}`);
    }
    const maxSeconds = Number(values['max-seconds']);
    if (!(maxSeconds > 0)) throw new Error('--max-seconds needs a positive number');
    return { ...values, role, maxSeconds, conf: JSON.parse(values.conf) };
  } catch (error) {
    process.stderr.write(`peer.js: ${error.message}\n`);
    return process.exit(EXIT.USAGE);
  }
}

// Exceptions in the timers and message handlers of the published code would end the process. Only
// --die lets them, so that a test can observe what happens afterwards.
function superviseErrors({ die }) {
  process.on('uncaughtException', (error) => {
    process.stderr.write(`peer.js: uncaught: ${(error && error.stack) || error}\n`);
    sayError(error, { uncaught: true });
    if (die) process.exit(EXIT.FATAL);
  });
}

function startWatchdog(seconds) {
  setTimeout(() => {
    process.stderr.write(`peer.js: still running after ${seconds} s\n`);
    process.exit(EXIT.WATCHDOG);
  }, seconds * 1000);
}

// A role that cannot work, for example because an endpoint is in use, ends the process.
function fail(message) {
  process.stderr.write(`peer.js: ${message}\n`);
  sayError(message, { fatal: true });
  process.exit(EXIT.FAILED);
}

function stopOnce(role) {
  let stopping = false;
  return async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => fail('stop did not come to its end'), STOP_LIMIT_MS);
    await role.stop();
    say('stopped');
    process.exit(EXIT.OK);
  };
}

function listen(ops, stop) {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    if (!line.trim()) return;
    let command;
    try {
      command = JSON.parse(line);
    } catch (error) {
      sayError(`a line that is not JSON: ${error.message}`);
      return;
    }
    const op = command && command.op;
    if (Object.hasOwn(ops, op)) ops[op](command);
    else sayError(`unknown op: ${op}`);
  });
  lines.on('close', stop);
}

main();
