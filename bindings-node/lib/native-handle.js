'use strict';
// A native broker, client or worker from its start to its last event: drains its events when it
// wakes JavaScript, and reports exceptions of user code.

const { Events, Kind } = require('./events');
const { checked } = require('./errors');

/** Events that are delivered before other work of the event loop runs. */
const BATCH_EVENTS = 256;

/** All open handles, so that none is collected while it can still emit events. */
const open = new Set();

/**
 * @template {import('../native').NativeBroker | import('../native').NativeClient |
 * import('../native').NativeWorker} Native
 */
class NativeHandle {
  #drain = () => this.#drainBatch();

  /**
   * @param {(wake: () => void) => Native} start starts the native object
   * @param {{ receive(events: Events): void, failed(error: unknown): void, stopped(): void }} owner
   */
  constructor(start, owner) {
    this.owner = owner;
    this.stopped = new Promise((resolve) => {
      this.resolveStopped = resolve;
    });
    this.native = checked(() => start(this.#drain));
    open.add(this);
  }

  get isStopped() {
    return this.native === null;
  }

  #drainBatch() {
    if (this.native === null) return;
    const buffer = this.native.drain(BATCH_EVENTS);
    if (buffer === null) return;
    const events = new Events(buffer);
    let isLast = false;
    while (events.next()) {
      if (events.kind === Kind.STOPPED) isLast = true;
      else this.#deliver(events);
    }
    if (isLast) this.#end();
    // After a partial batch the queue is empty, and the next event wakes JavaScript again.
    else if (events.count === BATCH_EVENTS) setImmediate(this.#drain);
  }

  #deliver(events) {
    try {
      this.owner.receive(events);
    } catch (error) {
      this.report(error);
    }
  }

  /**
   * Reports what a user's callback threw. Without an 'error' listener it becomes an uncaught
   * exception in the next tick, so that the other events of the batch are still delivered.
   */
  report(error) {
    try {
      this.owner.failed(error);
    } catch (uncaught) {
      process.nextTick(() => {
        throw uncaught;
      });
    }
  }

  #end() {
    // Releases the native object, and with it the wake function.
    this.native = null;
    open.delete(this);
    try {
      this.owner.stopped();
    } catch (error) {
      this.report(error);
    }
    this.resolveStopped();
  }

  /**
   * Calls a method of the native object. Returns undefined after it has stopped. Throws a
   * PigatoError.
   * @param {keyof Native} method
   * @param {unknown[]} values
   * @returns {any}
   */
  call(method, ...values) {
    if (this.native === null) return undefined;
    return checked(() => /** @type {any} */ (this.native)[method](...values));
  }

  /** Stops it. May be called again. Resolves when it has stopped. */
  stop(...values) {
    try {
      this.call('stop', ...values);
    } catch (error) {
      if (error.code !== 'C_CLOSED') throw error; // it has stopped, and its last event is on its way
    }
    return this.stopped;
  }
}

module.exports = { NativeHandle };
