'use strict';

// The behaviours of a worker. The data's "do" selects one; any other data is echoed. "replyOpts"
// becomes the options of the reply, for example {"cache":1000}.

const fs = require('node:fs');
const readline = require('node:readline');
const { Readable } = require('node:stream');
const { setTimeout: pause } = require('node:timers/promises');

const CRASHED = 9;

async function partials({ count, ms, item, error }, reply) {
  for (let number = 0; number < count; number += 1) {
    reply.write(item === undefined ? number : item);
    if (ms !== undefined) await pause(ms);
  }
  if (error === undefined) reply.end(count);
  else reply.error(error);
}

const BEHAVIOURS = {
  echo: ({ value }, reply) => reply.end(value),
  partials,
  error: ({ value }, reply) => reply.error(value),
  reject: ({ value }, reply) => reply.reject(value),
  sleep: ({ ms, value }, reply) => setTimeout(() => reply.end(value), ms),
  block: ({ ms, value }, reply) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    reply.end(value);
  },
  never: () => {},
  crash: () => process.exit(CRASHED),
  text: ({ length }, reply) => reply.end('x'.repeat(length)),
  pid: (_data, reply) => reply.end(process.pid),
  opts: (_data, reply, opts) => reply.end(opts),
  // Whether the worker still considers the request active after a while. Only request heartbeats of
  // the client keep it active for longer than 3 of the worker's heartbeats.
  active: ({ ms }, reply) => setTimeout(() => reply.end(reply.active()), ms),
  stream: ({ file }, reply) => {
    const input = fs.createReadStream(file, 'utf8');
    input.on('error', (error) => reply.error(error.code));
    Readable.from(readline.createInterface({ input })).pipe(reply);
  },
  throw: ({ value }) => {
    throw new Error(value);
  },
};

function answer(data, reply, opts) {
  const name = data !== null && typeof data === 'object' ? data.do : undefined;
  if (name === undefined) {
    reply.end(data);
    return;
  }
  if (!Object.hasOwn(BEHAVIOURS, name)) {
    reply.error(`unknown behaviour: ${name}`);
    return;
  }
  if (data.replyOpts) reply.opts = data.replyOpts;
  BEHAVIOURS[name](data, reply, opts);
}

module.exports = { answer };
