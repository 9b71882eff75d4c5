'use strict';
// The table of a started client's pending requests. Requests of one tick go to the native part as a
// batch; events bring the replies. Subclasses of PendingRequest deliver them: response.js and
// published-request.js.

const { Kind } = require('./events');
const { PigatoError } = require('./errors');
const { NativeHandle } = require('./native-handle');
const { Packer } = require('./packer');
const processRef = require('./process-ref');

/** Requests in one batch. */
const BATCH_REQUESTS = 4096;

/** Characters or bytes of data after which a batch takes no further request. */
const BATCH_SIZE = 4 * 1024 * 1024;

/** Longest delay of a timer of Node.js. */
const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * A request without a final reply. The table calls three methods that subclasses define:
 * `partial(data, bytes)`, `final(data)` and `failed(error, isFinal)`.
 * @abstract
 */
class PendingRequest {
  constructor(service, data, options) {
    this.service = service;
    this.data = data;
    this.options = options;
    this.requests = null;
    /** The request number; 0 until the native part has accepted the request. */
    this.number = 0;
    this.isEnded = false;
    /** Why the request's AbortSignal was aborted. */
    this.reason = undefined;
  }

  cancel() {
    this.requests?.cancel(this);
  }

  /** Cancels it; `reason` becomes the `cause` of its error. */
  abort(reason) {
    this.reason = reason;
    this.cancel();
  }

  heartbeat() {
    if (this.number !== 0 && !this.isEnded) this.requests.handle.call('heartbeat', this.number);
  }

  /** Reports that this many partial replies were read, so that the worker may send more. */
  consumed(partials) {
    if (!this.isEnded) this.requests.handle.call('consumed', this.number, partials);
  }

  /** Ends it with C_BUSY: more replies are unread than may be. */
  overflow() {
    this.requests.overflow(this);
  }
}

class PendingRequests {
  #packer = new Packer();
  /** Requests that the native part has not accepted yet. */
  #waiting = [];
  #isScheduled = false;
  #byNumber = new Map();
  #pendingCount = 0;
  #onIdle = null;
  #flush = () => this.#submitWaiting();

  /**
   * @param {(wake: () => void) => import('../native').NativeClient} start starts the native client
   * @param {object} owner receives connection events
   */
  constructor(start, owner) {
    this.owner = owner;
    this.handle = new NativeHandle(start, this);
    this.isStopping = false;
  }

  /** Adds a request to the batch of this tick. */
  add(pending) {
    pending.requests = this;
    this.#waiting.push(pending);
    this.#pendingCount += 1;
    // A client only keeps the process alive while it has pending requests.
    if (this.#pendingCount === 1) processRef.ref();
    this.#schedule(process.nextTick);
  }

  cancel(pending) {
    if (pending.isEnded) return;
    if (pending.number !== 0) {
      this.handle.call('cancel', pending.number);
      return;
    }
    // It is in #waiting; the next batch skips ended requests.
    this.#fail(pending, new PigatoError('C_CANCELLED', undefined, { cause: pending.reason }));
  }

  overflow(pending) {
    this.handle.call('cancel', pending.number);
    this.#fail(pending, new PigatoError('C_BUSY'));
  }

  get isIdle() {
    return this.#pendingCount === 0;
  }

  /**
   * Resolves when no request is pending, or after `milliseconds`; below 0 there is no time limit.
   */
  idle(milliseconds) {
    return new Promise((resolve) => {
      const timer = milliseconds < 0 ? undefined : setTimeout(resolve, Math.min(milliseconds, MAX_TIMER_MS));
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Fails all pending requests with C_CLOSED and stops. */
  stop() {
    if (this.isStopping) return this.handle.stopped;
    this.isStopping = true;
    // The process must stay alive until the promise of stop() is resolved.
    processRef.ref();
    this.#submitWaiting();
    return this.handle.stop();
  }

  #schedule(later) {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    later(this.#flush);
  }

  #submitWaiting() {
    this.#isScheduled = false;
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch().filter((pending) => !pending.isEnded);
      if (batch.length === 0) continue;
      const left = this.#submit(batch);
      if (left.length > 0) {
        // The command queue is full: let the I/O thread work. A stop does not wait for that.
        this.#waiting = left.concat(this.#waiting);
        if (this.isStopping) break;
        this.#schedule(setImmediate);
        return;
      }
    }
    if (!this.isStopping) return;
    for (const pending of this.#waiting.splice(0)) {
      if (!pending.isEnded) this.#fail(pending, new PigatoError('C_CLOSED'));
    }
  }

  #nextBatch() {
    let count = 0;
    for (let size = 0; count < this.#waiting.length && count < BATCH_REQUESTS && size < BATCH_SIZE; count += 1) {
      size += this.#waiting[count].data.length;
    }
    return this.#waiting.splice(0, count);
  }

  /** Hands a batch to the native part. Returns the requests that it has no room for. */
  #submit(batch) {
    let before = {};
    for (const pending of batch) {
      this.#packer.textUnlessSame(pending.service, before.service);
      this.#packer.textUnlessSame(pending.options, before.options);
      this.#packer.bytes(pending.data);
      before = pending;
    }
    const packed = this.#packer.take();
    const result = this.handle.call('request', packed);
    if (typeof result === 'number') {
      for (let at = 0; at < batch.length; at += 1) this.#accepted(batch[at], result + at);
      return [];
    }
    if (result === undefined) {
      for (const pending of batch) this.#fail(pending, new PigatoError('C_CLOSED'));
      return [];
    }
    for (let at = 0; at < result.length; at += 1) {
      const outcome = result[at];
      if (typeof outcome === 'number') this.#accepted(batch[at], outcome);
      else if (outcome.code === 'C_BUSY') return batch.slice(at);
      else this.#fail(batch[at], new PigatoError(outcome.code, outcome.message));
    }
    return [];
  }

  #accepted(pending, number) {
    pending.number = number;
    pending.data = undefined;
    this.#byNumber.set(number, pending);
  }

  #ended(pending) {
    pending.isEnded = true;
    this.#byNumber.delete(pending.number);
    this.#pendingCount -= 1;
    if (this.#pendingCount > 0) return;
    processRef.unref();
    this.#onIdle?.();
  }

  #fail(pending, error) {
    this.#ended(pending);
    try {
      pending.failed(error, true);
    } catch (thrown) {
      this.handle.report(thrown);
    }
  }

  /** @see NativeHandle */
  receive(events) {
    const { kind } = events;
    if (kind === Kind.REPLY) this.#replied(events);
    else if (kind === Kind.FAILED) this.#failed(events);
    else this.owner.receive(this, events);
  }

  #replied(events) {
    const { requestNumber, isFinal } = events;
    const pending = this.#byNumber.get(requestNumber);
    if (pending === undefined) return;
    let data;
    try {
      data = events.data();
    } catch (cause) {
      if (!isFinal) this.handle.call('cancel', requestNumber);
      this.#ended(pending);
      pending.failed(new PigatoError('E_DATA', undefined, { cause }), true);
      return;
    }
    if (isFinal) {
      this.#ended(pending);
      pending.final(data);
    } else {
      pending.partial(data, events.length(0));
    }
  }

  #failed(events) {
    const pending = this.#byNumber.get(events.requestNumber);
    if (pending === undefined) return;
    const { isFinal, origin } = events;
    const details = { origin, cause: pending.reason };
    if (origin !== 'local') {
      details.options = events.options();
      try {
        details.value = events.json(0);
      } catch {
        details.value = events.text(0); // invalid JSON is still an error value
      }
    }
    const error = new PigatoError(events.text(2) || undefined, events.text(3), details);
    if (isFinal) this.#ended(pending);
    pending.failed(error, isFinal);
  }

  failed(error) {
    this.owner.failed(error);
  }

  stopped() {
    for (const pending of this.#byNumber.values()) this.#fail(pending, new PigatoError('C_CLOSED'));
    if (this.isStopping) processRef.unref();
    this.owner.stopped(this);
  }
}

module.exports = { PendingRequest, PendingRequests };
