'use strict';
// Requests of today's kind: a promise, or an async iterable.

const { PigatoError } = require('./errors');
const { Pending } = require('./requests');
const { Unread } = require('./unread');

/** A request whose final reply fulfils a promise. */
class Call extends Pending {
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

/** A request whose partial replies, and then its final one, are read one by one. */
class Replies extends Pending {
  #unread = new Unread();
  #reader = null;
  /** Nothing follows what is unread. */
  #isOver = false;
  #detach = () => {};

  /** A function to be called when the request has ended or is no longer read. */
  onEnd(detach) {
    this.#detach = detach;
  }

  partial(data, bytes) {
    if (this.#isOver) return;
    if (this.#reader === null && !this.#unread.hasRoomFor(bytes)) this.overflow();
    else this.#give({ value: data, isPartial: true }, bytes);
  }

  final(data) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#detach();
    this.#give({ value: data, isPartial: false });
  }

  failed(error, isFinal) {
    if (this.#isOver) return; // it was left, or has failed already
    // After an error nothing more can be read from an iterator.
    if (!isFinal) this.cancel();
    this.#isOver = true;
    this.#detach();
    this.#give({ error });
  }

  #give(reply, bytes) {
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
    // What a worker ends with when it has said everything is no part of the stream.
    if (!reply.isPartial && reply.value === null) resolve({ value: undefined, done: true });
    else resolve({ value: reply.value, done: false });
  }

  next() {
    return new Promise((resolve, reject) => {
      if (this.#unread.length > 0) this.#settle(this.#unread.shift(), resolve, reject);
      else if (this.#isOver) resolve({ value: undefined, done: true });
      else if (this.#reader !== null) reject(new PigatoError('E_ARGUMENT', 'E_ARGUMENT: a reply is being read already'));
      else this.#reader = { resolve, reject };
    });
  }

  /** Stops reading; the worker is told. */
  async return(value) {
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#unread.clear();
    this.#detach();
    this.#reader?.resolve({ value: undefined, done: true });
    this.#reader = null;
    if (!wasOver) this.cancel();
    return { value, done: true };
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

/** What each signal cancels, behind one listener: more than ten of them are a leak to Node.js. */
const cancelled = new WeakMap();

/** Cancels a request when a signal says so. Returns what undoes the connection. */
function cancelWith(signal, pending) {
  let entry = cancelled.get(signal);
  if (entry === undefined) {
    const requests = new Set();
    const abort = () => {
      for (const request of requests) request.abort(signal.reason);
    };
    entry = { requests, abort };
    cancelled.set(signal, entry);
  }
  const { requests, abort } = entry;
  if (requests.size === 0) signal.addEventListener('abort', abort, { once: true });
  requests.add(pending);
  return () => {
    if (requests.delete(pending) && requests.size === 0) signal.removeEventListener('abort', abort);
  };
}

module.exports = { Call, Replies, cancelWith };
