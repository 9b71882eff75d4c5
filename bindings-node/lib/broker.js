'use strict';

const { EventEmitter } = require('node:events');
const native = require('./native');
const processRef = require('./process-ref');
const { liveConf, optionsOf } = require('./conf');
const { Kind } = require('./events');
const { PigatoError } = require('./errors');
const { NativeHandle } = require('./native-handle');
const { emitError, settleStart, requireString } = require('./peer');
const { Store } = require('./store');

/** Queues requests and dispatches them to workers. index.d.ts documents each method. */
class Broker extends EventEmitter {
  /** @type {NativeHandle | null} */
  #handle = null;

  constructor(endpoint, conf) {
    super();
    this.endpoint = endpoint;
    this.conf = liveConf('broker', conf);
  }

  /** Resolves when the broker listens and has restored the requests that `conf.ctrl` stores. */
  start(callback) {
    const result = settleStart(this, async () => {
      // A concurrent start() may have finished while this one waited.
      while (this.#handle !== null) await this.stop();
      const endpoints = [this.endpoint ?? []].flat();
      for (const endpoint of endpoints) requireString(endpoint, "the broker's endpoint");
      const options = optionsOf('broker', this.conf);
      const store = this.conf.ctrl ? new Store(this, this.conf.ctrl) : null;
      const handle = new NativeHandle((wake) => native.NativeBroker.start(endpoints, options, store !== null, wake), {
        receive: (events) => this.#receive(events, store),
        failed: (error) => this.emit('error', error),
        stopped: () => this.#stopped(handle),
      });
      processRef.ref();
      this.#handle = handle;
      if (store !== null && !(await hasRestored(store, handle))) return;
      // Listeners that are added right after start() receive 'start' too.
      await new Promise(setImmediate);
      if (handle !== this.#handle) return;
      this.conf.onStart?.();
      this.emit('start');
    });
    // The promise and 'error' report a failure; the callback only reports success.
    if (callback) result.then(() => callback(), () => {});
    return result;
  }

  #stopped(handle) {
    processRef.unref();
    if (this.#handle === handle) this.#handle = null;
    this.conf.onStop?.();
    this.emit('stop');
  }

  /**
   * Finishes accepted requests for up to `drain` milliseconds and refuses new ones; 0 stops at
   * once.
   */
  async stop({ drain = 0 } = {}) {
    const handle = this.#handle;
    if (handle === null) return;
    await handle.stop(drain);
  }

  /** The addresses it listens on, with real ports in place of `*`; empty while it is stopped. */
  get endpoints() {
    return this.#handle?.native.endpoints ?? [];
  }

  /** The address where it publishes its directory, with the real port in place of `*`. */
  get intch() {
    return this.#handle?.native.intch ?? null;
  }

  /** Counters since the start, and present gauges. */
  statistics() {
    return JSON.parse(this.#running().call('statistics'));
  }

  /** Service name to the identities of its workers. */
  directory() {
    return JSON.parse(this.#running().call('directory'));
  }

  #running() {
    if (this.#handle === null) throw new PigatoError('C_CLOSED');
    return this.#handle;
  }

  #receive(events, store) {
    const peer = events.text(0);
    switch (events.kind) {
      case Kind.WORKER_JOINED:
        this.emit('workerJoined', { worker: peer, service: events.text(1) });
        break;
      case Kind.WORKER_LEFT:
        this.emit('workerLeft', { worker: peer, service: events.text(1), reason: events.text(2) });
        break;
      case Kind.CLIENT_LEFT:
        this.emit('clientLeft', { client: peer, reason: events.text(2) });
        break;
      case Kind.PROTOCOL_ERROR:
        this.emit('protocolError', { peer, error: events.text(2) });
        if (events.text(2).startsWith('ERR_')) emitError(this, events.text(2));
        break;
      case Kind.STORED:
        store.stored(events);
        break;
      case Kind.REMOVED:
        store.removed(events);
        break;
      default:
    }
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.stop();
  }
}

/** Restores the stored requests. False if the broker was stopped meanwhile. */
async function hasRestored(store, handle) {
  try {
    await Promise.race([store.restore(handle), handle.stopped]);
  } catch (error) {
    if (error.code !== 'C_CLOSED') throw error;
    await handle.stopped;
  }
  return !handle.isStopped;
}

module.exports = { Broker };
