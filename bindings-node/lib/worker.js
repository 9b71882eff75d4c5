'use strict';

const { EventEmitter } = require('node:events');
const native = require('./native');
const { liveConf, optionsOf, pick } = require('./conf');
const { Kind } = require('./events');
const { PigatoError } = require('./errors');
const { Exchanges } = require('./exchange');
const { fail, handle } = require('./handler');
const { emitError, finished, started, textOf } = require('./peer');
const { Reply } = require('./reply');

/** Offers a service. See index.d.ts for what each method takes. */
class Worker extends EventEmitter {
  /** @type {Exchanges | null} */
  #exchanges = null;
  #handler = null;
  #heartbeat = () => this.heartbeat();

  constructor(broker, service, conf) {
    super();
    this.broker = broker;
    this.service = service;
    this.conf = liveConf('worker', conf, (name) => {
      if (name === 'concurrency') this.#exchanges?.life.call('setConcurrency', pick(this.conf, [name]));
    });
    this.socketId = undefined;
  }

  start() {
    return started(this, () => {
      this.stop();
      const options = optionsOf('worker', this.conf);
      const broker = textOf(this.broker, "the broker's address");
      const service = textOf(this.service, 'a service name');
      const start = (wake) => native.NativeWorker.start(broker, service, options, wake);
      this.#exchanges = new Exchanges(start, {
        request: (exchange, events) => this.#request(exchange, events),
        receive: (exchanges, events) => this.#receive(exchanges, events),
        failed: (error) => this.emit('error', error),
        stopped: () => {},
      });
      this.socketId = this.#exchanges.life.native.identity;
      this.emit('start');
    });
  }

  /** Stops it once the requests that it has are answered, after `drain` milliseconds at the latest; at once without. */
  async stop({ drain = 0 } = {}) {
    const exchanges = this.#exchanges;
    if (exchanges === null) return;
    const stopped = exchanges.stop(drain);
    if (drain !== 0) await stopped;
    if (exchanges === this.#exchanges) {
      this.#exchanges = null;
      this.socketId = undefined;
      finished(this);
    }
    await stopped;
  }

  /** Has each request answered by a function, in place of 'request' listeners. */
  handle(handler) {
    if (typeof handler !== 'function') throw new PigatoError('E_ARGUMENT', 'E_ARGUMENT: a handler is a function');
    this.#handler = handler;
    return this;
  }

  /** Sends the broker a sign of life now. */
  heartbeat() {
    this.#exchanges?.life.call('heartbeat');
  }

  #request(exchange, events) {
    let data = null;
    try {
      data = events.data();
    } catch {
      // data that is not JSON is null, as it always was
    }
    if (this.#handler !== null) {
      handle(this.#handler, exchange, events, data, this.#heartbeat);
      return;
    }
    try {
      if (!this.emit('request', data, new Reply(exchange, this.#heartbeat, events.isRaw), events.options())) {
        fail(exchange, 'the worker has no handler');
      }
    } catch (error) {
      fail(exchange, error);
      emitError(this, error);
    }
  }

  #receive(exchanges, events) {
    if (exchanges !== this.#exchanges) return; // of a former life
    switch (events.kind) {
      case Kind.CONNECTED:
        this.socketId = exchanges.life.native.identity;
        this.emit('connect');
        this.conf.onConnect?.();
        break;
      case Kind.DISCONNECTED:
        this.emit('disconnect');
        this.conf.onDisconnect?.();
        break;
      case Kind.PROTOCOL_ERROR:
        emitError(this, events.text(2));
        break;
      default:
    }
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.stop();
  }
}

module.exports = { Worker };
