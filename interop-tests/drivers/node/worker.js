'use strict';
// The worker, with the behaviours that a request's data selects: ../PROTOCOL.md, "What a worker
// does".

const { setTimeout: pause } = require('node:timers/promises');

const { Worker, PigatoError } = require('../../../bindings-node');
const { say, sayLife } = require('./say');

const CRASHED = 9;

const BEHAVIOURS = {
  echo: ({ value = null }) => value,
  opts: (_data, { opts }) => opts,
  pid: () => process.pid,
  attempt: (_data, { attempt }) => attempt,
  text: ({ length }) => 'x'.repeat(length),
  partials,
  count,
  never: (_data, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
  sleep: ({ ms, value = null }, { signal }) => pause(ms, value, { signal }),
  block: ({ ms, value = null }) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    return value;
  },
  throw: ({ value }) => {
    throw new Error(value);
  },
  crash: () => process.exit(CRASHED),
  error: ({ value }) => {
    throw new PigatoError(undefined, undefined, { value });
  },
  reject: ({ value }, { reply }) => reply.reject(value),
};

async function* partials({ count: most, ms, item, error }) {
  for (let number = 0; number < most; number += 1) {
    yield item === undefined ? number : item;
    if (ms !== undefined) await pause(ms);
  }
  if (error !== undefined) throw new PigatoError(undefined, undefined, { value: error });
  return most;
}

/** Sends partial replies until the request is cancelled. */
async function* count({ ms }, { signal }) {
  for (let number = 0; !signal.aborted; number += 1) {
    yield number;
    await pause(ms);
  }
}

module.exports = async function startWorker({ endpoint, service, conf, verbose }) {
  const worker = new Worker(endpoint, service, conf);
  let isRejecting = false;
  let requests = 0;
  sayLife(worker);

  worker.handle((data, context) => {
    if (Buffer.isBuffer(data)) return data;
    const request = (requests += 1);
    if (verbose) {
      say('request', { request, attempt: context.attempt, data });
      context.signal.addEventListener('abort', () => say('cancelled', { request }));
    }
    if (isRejecting) return context.reply.reject('told to reject');
    if (data?.do === undefined) return data;
    if (data.replyOpts) context.reply.opts = data.replyOpts;
    const behaviour = BEHAVIOURS[data.do] ?? (() => context.reply.error(`unknown behaviour: ${data.do}`));
    const answer = behaviour(data, context);
    if (data.replyOpts) context.reply.end(answer);
    return data.replyOpts ? undefined : answer;
  });
  await worker.start();

  return {
    operations: {
      concurrency: ({ value }) => (worker.conf.concurrency = value),
      reject: ({ value }) => {
        isRejecting = value !== false;
        say('told');
      },
      drain: ({ ms }) => worker.stop({ drain: ms }).then(() => say('drained')),
    },
    stop: () => worker.stop(),
  };
};
