'use strict';
// The requests of one client's life: made together once a tick, answered event by event.

const { Kind } = require('./events');
const { PigatoError } = require('./errors');
const { Packer } = require('./packer');
const { Life } = require('./life');
const alive = require('./alive');

/** Requests that one call takes down. */
const BATCH = 4096;

/** Characters or bytes of data after which a call takes down no more. */
const BATCH_SIZE = 4 * 1024 * 1024;

/** What a timer of Node.js takes. */
const MOST_MILLISECONDS = 0x7fff_ffff;

/**
 * What a request is to its maker. Subclasses are told what comes of it.
 * @abstract
 */
class Pending {
  constructor(service, data, options) {
    this.service = service;
    this.data = data;
    this.options = options;
    this.requests = null;
    /** What the native part calls it; 0 until it was taken. */
    this.token = 0;
    this.isEnded = false;
    /** Why it was aborted. */
    this.reason = undefined;
  }

  cancel() {
    this.requests?.cancel(this);
  }

  /** Cancels it for a reason, which is the cause of its failure. */
  abort(reason) {
    this.reason = reason;
    this.cancel();
  }

  heartbeat() {
    if (this.token !== 0 && !this.isEnded) this.requests.life.call('heartbeat', this.token);
  }

  /** Partial replies were read, so the worker may send more. */
  consumed(partials) {
    if (!this.isEnded) this.requests.life.call('consumed', this.token, partials);
  }

  /** Ends it: its replies come much faster than they are read. */
  overflow() {
    this.requests.overflow(this);
  }
}

class Requests {
  #packer = new Packer();
  /** Made, and not taken by the native part. */
  #waiting = [];
  #isScheduled = false;
  #byToken = new Map();
  #unanswered = 0;
  #onIdle = null;
  #flush = () => this.#submitWaiting();

  /**
   * @param {(wake: () => void) => import('../native').NativeClient} start makes the native client
   * @param {object} owner is told about the connection
   */
  constructor(start, owner) {
    this.owner = owner;
    this.life = new Life(start, this);
    this.isStopping = false;
  }

  /** Takes a request; it goes down with the others of this tick. */
  add(pending) {
    pending.requests = this;
    this.#waiting.push(pending);
    this.#unanswered += 1;
    // A client keeps the process alive for as long as something is to come.
    if (this.#unanswered === 1) alive.hold();
    this.#schedule(process.nextTick);
  }

  cancel(pending) {
    if (pending.isEnded) return;
    if (pending.token !== 0) {
      this.life.call('cancel', pending.token);
      return;
    }
    // It still waits, and is passed over when its turn comes.
    this.#fail(pending, new PigatoError('C_CANCELLED', undefined, { cause: pending.reason }));
  }

  overflow(pending) {
    this.life.call('cancel', pending.token);
    this.#fail(pending, new PigatoError('C_BUSY'));
  }

  get isIdle() {
    return this.#unanswered === 0;
  }

  /** When everything is answered, or this many milliseconds have passed; below 0 they never do. */
  idle(milliseconds) {
    return new Promise((resolve) => {
      const timer = milliseconds < 0 ? undefined : setTimeout(resolve, Math.min(milliseconds, MOST_MILLISECONDS));
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Everything unanswered ends with C_CLOSED. */
  stop() {
    if (this.isStopping) return this.life.stopped;
    this.isStopping = true;
    // Whoever awaits the stop is to see it.
    alive.hold();
    this.#submitWaiting();
    return this.life.stop();
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
        // Full: the I/O thread gets time to work it off. A stop does not wait for that.
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
    for (let size = 0; count < this.#waiting.length && count < BATCH && size < BATCH_SIZE; count += 1) {
      size += this.#waiting[count].data.length;
    }
    return this.#waiting.splice(0, count);
  }

  /** Hands requests to the native part. Returns those that it has no room for. */
  #submit(batch) {
    let before = {};
    for (const pending of batch) {
      this.#packer.textUnlessSame(pending.service, before.service);
      this.#packer.textUnlessSame(pending.options, before.options);
      this.#packer.bytes(pending.data);
      before = pending;
    }
    const packed = this.#packer.take();
    const result = this.life.call('request', packed);
    if (typeof result === 'number') {
      for (let at = 0; at < batch.length; at += 1) this.#taken(batch[at], result + at);
      return [];
    }
    if (result === undefined) {
      for (const pending of batch) this.#fail(pending, new PigatoError('C_CLOSED'));
      return [];
    }
    for (let at = 0; at < result.length; at += 1) {
      const told = result[at];
      if (typeof told === 'number') this.#taken(batch[at], told);
      else if (told.code === 'C_BUSY') return batch.slice(at);
      else this.#fail(batch[at], new PigatoError(told.code, told.message));
    }
    return [];
  }

  #taken(pending, token) {
    pending.token = token;
    pending.data = undefined;
    this.#byToken.set(token, pending);
  }

  #ended(pending) {
    pending.isEnded = true;
    this.#byToken.delete(pending.token);
    this.#unanswered -= 1;
    if (this.#unanswered > 0) return;
    alive.release();
    this.#onIdle?.();
  }

  #fail(pending, error) {
    this.#ended(pending);
    try {
      pending.failed(error, true);
    } catch (thrown) {
      this.life.report(thrown);
    }
  }

  /** @see Life */
  receive(events) {
    const { kind } = events;
    if (kind === Kind.REPLY) this.#replied(events);
    else if (kind === Kind.FAILED) this.#failed(events);
    else this.owner.receive(this, events);
  }

  #replied(events) {
    const { token, isFinal } = events;
    const pending = this.#byToken.get(token);
    if (pending === undefined) return;
    let data;
    try {
      data = events.data();
    } catch (cause) {
      if (!isFinal) this.life.call('cancel', token);
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
    const pending = this.#byToken.get(events.token);
    if (pending === undefined) return;
    const { isFinal, origin } = events;
    const details = { origin, cause: pending.reason };
    if (origin !== 'local') {
      details.options = events.options();
      try {
        details.value = events.json(0);
      } catch {
        details.value = events.text(0); // whatever it is, it is an error
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
    for (const pending of this.#byToken.values()) this.#fail(pending, new PigatoError('C_CLOSED'));
    if (this.isStopping) alive.release();
    this.owner.stopped(this);
  }
}

module.exports = { Pending, Requests };
