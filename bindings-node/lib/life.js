'use strict';
// One life of a native handle, from start to stopped: wakes, drained events, what becomes of exceptions.

const { Events, Kind } = require('./events');
const { checked } = require('./errors');

/** Events that are dealt with before the event loop gets its turn. */
const MOST = 256;

/** What is open. Nothing else may refer to a handle that still gives events. */
const open = new Set();

/** @template {import('../native').NativeBroker | import('../native').NativeClient | import('../native').NativeWorker} Handle */
class Life {
  #drain = () => this.#drainSome();

  /**
   * @param {(wake: () => void) => Handle} start makes the native handle
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

  #drainSome() {
    if (this.native === null) return;
    const buffer = this.native.drain(MOST);
    if (buffer === null) return;
    const events = new Events(buffer);
    let isLast = false;
    while (events.next()) {
      if (events.kind === Kind.STOPPED) isLast = true;
      else this.#deliver(events);
    }
    if (isLast) this.#end();
    // Fewer than that, and the queue is empty: then the next event wakes.
    else if (events.count === MOST) setImmediate(this.#drain);
  }

  #deliver(events) {
    try {
      this.owner.receive(events);
    } catch (error) {
      this.report(error);
    }
  }

  /** What a user's callback throws costs no other request anything. */
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
    // Lets go of the native handle, and with it of the function that wakes.
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
   * Calls a method of the native handle, if there still is one; what it throws beyond that is a PigatoError.
   * @param {keyof Handle} method
   * @param {unknown[]} values
   * @returns {any}
   */
  call(method, ...values) {
    if (this.native === null) return undefined;
    return checked(() => /** @type {any} */ (this.native)[method](...values));
  }

  /** Has it stop; more than once does no harm. Resolves when it has. */
  stop(...values) {
    try {
      this.call('stop', ...values);
    } catch (error) {
      if (error.code !== 'C_CLOSED') throw error; // it has stopped, and its last event is on its way
    }
    return this.stopped;
  }
}

module.exports = { Life };
