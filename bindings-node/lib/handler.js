'use strict';
// Handlers of today's kind: an async function, or an async generator whose values are partial replies.

const { encode } = require('./codec');
const { PigatoError } = require('./errors');
const { ReplyKind } = require('./packer');
const { Reply } = require('./reply');

/** What a handler gets beside the data. */
class Context {
  #exchange;
  #heartbeat;
  #controller;
  #reply;
  #isRaw;

  constructor(exchange, events, heartbeat) {
    this.#exchange = exchange;
    this.#heartbeat = heartbeat;
    this.#isRaw = events.isRaw;
    this.opts = events.options();
    this.service = events.text(2);
    this.client = events.text(3);
    this.attempt = events.number(0);
  }

  /** Aborted when nobody waits for the reply any more. */
  get signal() {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      const exchange = this.#exchange;
      const abort = () => controller.abort(new PigatoError(exchange.cancelled));
      exchange.onCancel = abort;
      if (exchange.cancelled !== undefined) abort();
      this.#controller = controller;
    }
    return this.#controller.signal;
  }

  get reply() {
    this.#reply ??= new Reply(this.#exchange, this.#heartbeat, this.#isRaw);
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
function write(exchange, value) {
  const [data, options] = encoded(value);
  if (exchange.write(data, options)) return undefined;
  return new Promise((resolve) => {
    exchange.onWritable = () => {
      exchange.onWritable = null;
      resolve(write(exchange, value));
    };
  });
}

/** Sends what an iterator yields, and gives what it returns. */
async function writeAll(exchange, iterator) {
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) return value;
    try {
      await write(exchange, value);
    } catch (error) {
      await iterator.return?.();
      throw error;
    }
    if (!exchange.isLive) {
      await iterator.return?.();
      return undefined;
    }
  }
}

function end(exchange, context, value) {
  // A handler that has the reply itself ends it itself, unless it returns something.
  if (value === undefined && context.hasReply) return;
  const [data, options] = encoded(value);
  exchange.finish(ReplyKind.FINAL, data, options);
}

function failure(error) {
  try {
    if (error instanceof PigatoError && 'value' in error) return { kind: ReplyKind.ERROR, data: encode(error.value, false) };
    return { kind: ReplyKind.FAIL, data: String(error?.message ?? error) };
  } catch {
    // No JSON, or no text.
    return { kind: ReplyKind.FAIL, data: 'what the handler threw cannot be sent' };
  }
}

/** What a handler threw, as the final reply: the value of an error that has one, or a failure with a message. */
function fail(exchange, error) {
  const { kind, data } = failure(error);
  exchange.finish(kind, data);
}

/** Runs a handler for a request and sends what comes of it. Never rejects. */
async function handle(handler, exchange, events, data, heartbeat) {
  const context = new Context(exchange, events, heartbeat);
  try {
    let result = handler(data, context);
    if (typeof result?.then === 'function') result = await result;
    if (typeof result?.[Symbol.asyncIterator] === 'function') {
      result = await writeAll(exchange, result[Symbol.asyncIterator]());
    }
    end(exchange, context, result);
  } catch (error) {
    fail(exchange, error);
  }
}

module.exports = { handle, fail };
