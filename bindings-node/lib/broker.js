'use strict';

const { EventEmitter } = require('node:events');
const native = require('./native');
const alive = require('./alive');
const { liveConf, optionsOf } = require('./conf');
const { Kind } = require('./events');
const { PigatoError } = require('./errors');
const { Life } = require('./life');
const { emitError, started } = require('./peer');

/** Hands requests to workers. See index.d.ts for what each method takes. */
class Broker extends EventEmitter {
  /** @type {Life | null} */
  #life = null;

  constructor(endpoint, conf) {
    super();
    this.endpoint = endpoint;
    this.conf = liveConf('broker', conf);
    if (this.conf.ctrl !== undefined) {
      throw new PigatoError('E_OPTION', 'E_OPTION: `ctrl` (persistence controllers) is not supported');
    }
  }

  /** Starts it; the promise is fulfilled when it listens. */
  start(callback) {
    const result = started(this, async () => {
      if (this.#life !== null) await this.stop();
      const wanted = this.endpoint === undefined ? [] : [this.endpoint].flat();
      const options = optionsOf('broker', this.conf);
      const life = new Life((wake) => native.NativeBroker.start(wanted, options, wake), {
        receive: (events) => this.#receive(events),
        failed: (error) => this.emit('error', error),
        stopped: () => this.#stopped(life),
      });
      alive.hold();
      this.#life = life;
      // Listeners that are added after the start hear of it as well.
      await new Promise(setImmediate);
      this.conf.onStart?.();
      this.emit('start');
    });
    if (callback) result.then(() => callback());
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
    life.call('stop', drain);
    await life.stopped;
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

  #receive(events) {
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
      default:
    }
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.stop();
  }
}

module.exports = { Broker };
