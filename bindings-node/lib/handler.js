'use strict';
// Runs functions set with `worker.handle`: async functions, and async generators whose values are
// partial replies.

const { encode } = require('./codec');
const { PigatoError } = require('./errors');
const { ReplyKind } = require('./packer');
const { Reply } = require('./reply');

/** The second argument of a handler. */
class Context {
  #job;
  #heartbeat;
  #controller;
  #reply;
  #isRaw;

  constructor(job, events, heartbeat) {
    this.#job = job;
    this.#heartbeat = heartbeat;
    this.#isRaw = events.isRaw;
    this.opts = events.options();
    this.service = events.text(2);
    this.client = events.text(3);
    this.attempt = events.value(0);
  }

  /** Aborted when the job is cancelled. Made on first use, because most handlers do not read it. */
  get signal() {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      const job = this.#job;
      const abort = () => controller.abort(new PigatoError(job.cancelled));
      job.onCancel = abort;
      if (job.cancelled !== undefined) abort();
      this.#controller = controller;
    }
    return this.#controller.signal;
  }

  get reply() {
    this.#reply ??= new Reply(this.#job, this.#heartbeat, this.#isRaw);
    return this.#reply;
  }

  get hasReply() {
    return this.#reply !== undefined;
  }
}

function encoded(value) {
  const isRaw = value instanceof Uint8Array;
  return [encode(value, isRaw), isRaw ? '{"codec":"raw"}' : ''];
}

/** Sends a partial reply; resolves when the next one may be sent. */
function write(job, value) {
  const [data, options] = encoded(value);
  if (job.write(data, options)) return undefined;
  return new Promise((resolve) => {
    job.onWritable = () => {
      job.onWritable = null;
      resolve(write(job, value));
    };
  });
}

/** Sends each value that an iterator yields. Returns the iterator's return value. */
async function writeAll(job, iterator) {
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) return value;
    try {
      await write(job, value);
    } catch (error) {
      await iterator.return?.();
      throw error;
    }
    if (!job.isOpen) {
      await iterator.return?.();
      return undefined;
    }
  }
}

function end(job, context, value) {
  // A handler that uses `reply` ends it itself, unless it returns a value.
  if (value === undefined && context.hasReply) return;
  const [data, options] = encoded(value);
  job.finish(ReplyKind.FINAL, data, options);
}

function failure(error) {
  try {
    if (error instanceof PigatoError && 'value' in error) {
      return { kind: ReplyKind.ERROR, data: encode(error.value, false) };
    }
    return { kind: ReplyKind.FAIL, data: String(error?.message ?? error) };
  } catch {
    return { kind: ReplyKind.FAIL, data: 'the handler threw a value that can be sent neither as JSON nor as text' };
  }
}

/**
 * Ends the job with what a handler threw: the value of a PigatoError that has one, else W_HANDLER
 * with the message.
 */
function fail(job, error) {
  const { kind, data } = failure(error);
  job.finish(kind, data);
}

/** Runs a handler for a job and sends its result. Never rejects. */
async function handle(handler, job, events, data, heartbeat) {
  const context = new Context(job, events, heartbeat);
  try {
    let result = handler(data, context);
    if (typeof result?.then === 'function') result = await result;
    if (typeof result?.[Symbol.asyncIterator] === 'function') {
      result = await writeAll(job, result[Symbol.asyncIterator]());
    }
    end(job, context, result);
  } catch (error) {
    fail(job, error);
  }
}

module.exports = { handle, fail };
