'use strict';

const { EventEmitter } = require('node:events');
const native = require('./native');
const alive = require('./alive');
const { liveConf, optionsOf } = require('./conf');
const { Kind } = require('./events');
const { PigatoError } = require('./errors');
const { Keeper } = require('./keeper');
const { Life } = require('./life');
const { emitError, started, textOf } = require('./peer');

/** Hands requests to workers. See index.d.ts for what each method takes. */
class Broker extends EventEmitter {
  /** @type {Life | null} */
  #life = null;

  constructor(endpoint, conf) {
    super();
    this.endpoint = endpoint;
    this.conf = liveConf('broker', conf);
  }

  /** Starts it; the promise is fulfilled when it listens and has what `conf.ctrl` kept. */
  start(callback) {
    const result = started(this, async () => {
      // Another start may have been quicker meanwhile.
      while (this.#life !== null) await this.stop();
      const wanted = [this.endpoint ?? []].flat().map((endpoint) => textOf(endpoint, "the broker's endpoint"));
      const options = optionsOf('broker', this.conf);
      const keeper = this.conf.ctrl ? new Keeper(this, this.conf.ctrl) : null;
      const life = new Life((wake) => native.NativeBroker.start(wanted, options, keeper !== null, wake), {
        receive: (events) => this.#receive(events, keeper),
        failed: (error) => this.emit('error', error),
        stopped: () => this.#stopped(life),
      });
      alive.hold();
      this.#life = life;
      if (keeper !== null && !(await hasRestored(keeper, life))) return;
      // Listeners that are added after the start hear of it as well.
      await new Promise(setImmediate);
      if (life !== this.#life) return;
      this.conf.onStart?.();
      this.emit('start');
    });
    // A failure is told by the promise and by 'error'.
    if (callback) result.then(() => callback(), () => {});
    return result;
  }

  #stopped(life) {
    alive.release();
    if (this.#life === life) this.#life = null;
    this.conf.onStop?.();
    this.emit('stop');
  }

  /** Finishes what it has accepted for up to `drain` milliseconds and refuses the rest; stops at once without. */
  async stop({ drain = 0 } = {}) {
    const life = this.#life;
    if (life === null) return;
    await life.stop(drain);
  }

  /** Where it listens, with the ports that `*` became; none if it is not started. */
  get endpoints() {
    return this.#life?.native.endpoints ?? [];
  }

  /** Where it publishes for core services, with the port that `*` became. */
  get intch() {
    return this.#life?.native.intch ?? null;
  }

  /** Counters since the start, and what there is now. */
  statistics() {
    return JSON.parse(this.#running().call('statistics'));
  }

  /** Which workers offer which service. */
  directory() {
    return JSON.parse(this.#running().call('directory'));
  }

  #running() {
    if (this.#life === null) throw new PigatoError('C_CLOSED');
    return this.#life;
  }

  #receive(events, keeper) {
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
        keeper.stored(events);
        break;
      case Kind.REMOVED:
        keeper.removed(events);
        break;
      default:
    }
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.stop();
  }
}

/** Whether a broker has got what was kept for it, and was not stopped meanwhile. */
async function hasRestored(keeper, life) {
  try {
    await Promise.race([keeper.restore(life), life.stopped]);
  } catch (error) {
    if (error.code !== 'C_CLOSED') throw error;
    await life.stopped;
  }
  return !life.isStopped;
}

module.exports = { Broker };
