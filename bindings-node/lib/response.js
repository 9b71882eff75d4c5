'use strict';
// The responses that `client.call` and `client.stream` return: a promise of the final reply, and an
// async iterable of all replies. Both are pending requests (pending-requests.js) that hold what
// their user has not read yet.

const { PigatoError } = require('./errors');
const { PendingRequest } = require('./pending-requests');
const { ReplyBuffer } = require('./reply-buffer');

/** The final reply fulfils a promise. Partial replies are dropped. */
class PromiseResponse extends PendingRequest {
  constructor(service, data, options) {
    super(service, data, options);
    this.promise = new Promise((resolve, reject) => {
      this.final = resolve;
      this.reject = reject;
    });
  }

  partial() {
    this.consumed(1);
  }

  failed(error, isFinal) {
    if (isFinal) this.reject(error);
  }
}

/** An async iterator over the partial replies and then the final one. */
class IterableResponse extends PendingRequest {
  #unread = new ReplyBuffer();
  /** The `next()` that waits for a reply. */
  #reader = null;
  /** Whether nothing follows the unread replies. */
  #isOver = false;
  #onEnd = () => {};

  /** Sets a function that is called when the request has ended or its user stopped reading. */
  onEnd(callback) {
    this.#onEnd = callback;
  }

  partial(data, bytes) {
    if (this.#isOver) return;
    if (this.#reader === null && !this.#unread.hasRoomFor(bytes)) this.overflow();
    else this.#add({ value: data, isPartial: true }, bytes);
  }

  final(data) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd();
    this.#add({ value: data, isPartial: false });
  }

  failed(error, isFinal) {
    if (this.#isOver) return; // its user stopped reading, or it has failed already
    // An iterator ends with its first error.
    if (!isFinal) this.cancel();
    this.#isOver = true;
    this.#onEnd();
    this.#add({ error });
  }

  #add(reply, bytes) {
    if (this.#reader === null) {
      this.#unread.push(reply, bytes);
      return;
    }
    const { resolve, reject } = this.#reader;
    this.#reader = null;
    this.#settle(reply, resolve, reject);
  }

  #settle(reply, resolve, reject) {
    if ('error' in reply) {
      reject(reply.error);
      return;
    }
    if (reply.isPartial) this.consumed(1);
    // A final null only marks the end of the stream.
    if (!reply.isPartial && reply.value === null) resolve({ value: undefined, done: true });
    else resolve({ value: reply.value, done: false });
  }

  next() {
    return new Promise((resolve, reject) => {
      if (this.#unread.length > 0) this.#settle(this.#unread.shift(), resolve, reject);
      else if (this.#isOver) resolve({ value: undefined, done: true });
      else if (this.#reader === null) this.#reader = { resolve, reject };
      else reject(new PigatoError('E_ARGUMENT', 'E_ARGUMENT: next() is already waiting for a reply; await it first'));
    });
  }

  /** Stops reading and cancels the request. */
  async return(value) {
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#unread.clear();
    this.#onEnd();
    this.#reader?.resolve({ value: undefined, done: true });
    this.#reader = null;
    if (!wasOver) this.cancel();
    return { value, done: true };
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

/**
 * The requests that each signal cancels. They share one listener, because Node.js warns of a leak
 * at more than ten.
 * @type {WeakMap<AbortSignal, { requests: Set<PendingRequest>, abort: () => void }>}
 */
const signals = new WeakMap();

/** Cancels a request when `signal` is aborted. Returns a function that ends this. */
function cancelOnAbort(signal, pending) {
  let entry = signals.get(signal);
  if (entry === undefined) {
    const requests = new Set();
    const abort = () => {
      for (const request of requests) request.abort(signal.reason);
    };
    entry = { requests, abort };
    signals.set(signal, entry);
  }
  const { requests, abort } = entry;
  if (requests.size === 0) signal.addEventListener('abort', abort, { once: true });
  requests.add(pending);
  return () => {
    if (requests.delete(pending) && requests.size === 0) signal.removeEventListener('abort', abort);
  };
}

module.exports = { IterableResponse, PromiseResponse, cancelOnAbort };
