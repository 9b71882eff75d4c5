'use strict';

const { EventEmitter } = require('node:events');
const native = require('./native');
const { Call, Replies, cancelWith } = require('./call');
const { encode } = require('./codec');
const { liveConf, optionsOf, pick } = require('./conf');
const { Kind } = require('./events');
const { PigatoError } = require('./errors');
const { emitError, finished, started, textOf } = require('./peer');
const { CallbackRequest, StreamRequest } = require('./request');
const { Requests } = require('./requests');

/** What each request may say for itself and the client says for all others. */
const PER_REQUEST = ['timeout', 'retry'];

/** Makes requests. See index.d.ts for what each method takes. */
class Client extends EventEmitter {
  /** What requests without options of their own are made with: options as JSON, or nothing for what the life began with. */
  #defaults = '';
  /** @type {Requests | null} */
  #requests = null;

  constructor(broker, conf) {
    super();
    this.broker = broker;
    this.conf = liveConf('client', conf, (name) => {
      if (PER_REQUEST.includes(name)) this.#defaults = pick(this.conf, PER_REQUEST);
    });
    this.socketId = undefined;
    if (this.conf.autostart) this.start();
  }

  start() {
    return started(this, () => {
      this.stop();
      this.#defaults = '';
      const options = optionsOf('client', this.conf);
      const broker = textOf(this.broker, "the broker's address");
      this.#requests = new Requests((wake) => native.NativeClient.start(broker, options, wake), {
        receive: (requests, events) => this.#receive(requests, events),
        failed: (error) => this.emit('error', error),
        stopped: () => {},
      });
      this.socketId = this.#requests.life.native.identity;
      this.emit('start');
    });
  }

  /**
   * Stops it: what is unanswered ends with C_CLOSED, unless it is answered within `drain` milliseconds.
   * @param {{ drain?: number }} [options]
   */
  stop(options) {
    const drain = options?.drain;
    const requests = this.#requests;
    if (requests === null) return Promise.resolve();
    if (drain !== undefined && !requests.isIdle) return requests.idle(drain).then(() => this.#stopNow(requests));
    return this.#stopNow(requests);
  }

  #stopNow(requests) {
    const stopped = requests.stop();
    if (requests !== this.#requests) return stopped;
    this.#requests = null;
    this.socketId = undefined;
    finished(this);
    return stopped;
  }

  /** The final reply; whatever fails, a rejection. */
  call(service, data, options) {
    try {
      return this.#begin(Call, service, data, options, (call, detach) => {
        if (detach) call.promise.finally(detach).catch(() => {});
        return call.promise;
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** All replies, as they are read. */
  stream(service, data, options) {
    return this.#begin(Replies, service, data, options, (replies, detach) => {
      if (detach) replies.onEnd(detach);
      return replies;
    });
  }

  #begin(Kind, service, data, given, done) {
    const { signal, ...options } = given ?? {};
    if (signal && !(signal instanceof AbortSignal)) throw new PigatoError('E_ARGUMENT', 'E_ARGUMENT: `signal` is an AbortSignal');
    if (data instanceof Uint8Array && options.codec === undefined) options.codec = 'raw';
    const request = new Kind(service, encode(data, options.codec === 'raw'), this.#optionsOf(options));
    if (signal?.aborted) {
      request.isEnded = true;
      request.failed(new PigatoError('C_CANCELLED', undefined, { cause: signal.reason }), true);
      return done(request);
    }
    this.#add(request);
    return done(request, signal && cancelWith(signal, request));
  }

  /** A Readable; or, with four arguments and more, what comes goes to callbacks. */
  request(service, data, ...rest) {
    if (arguments.length >= 4) {
      const [partialCallback, finalCallback, options] = rest;
      const encoded = encode(data, options?.codec === 'raw');
      this.#add(new CallbackRequest(service, encoded, this.#optionsOf(options), partialCallback, finalCallback));
      return undefined;
    }
    const options = rest[0];
    const request = new StreamRequest(service, encode(data, options?.codec === 'raw'), this.#optionsOf(options));
    this.#add(request);
    return request.stream;
  }

  requestStream(service, data, options) {
    return this.request(service, data, options);
  }

  #optionsOf(options) {
    if (options === null || typeof options !== 'object') return this.#defaults;
    for (const name in options) {
      if (options[name] !== undefined) {
        const { timeout = this.conf.timeout, retry = this.conf.retry, ...others } = options;
        return JSON.stringify({ timeout, retry, ...others });
      }
    }
    return this.#defaults;
  }

  #add(request) {
    if (typeof request.service !== 'string') throw new PigatoError('E_ARGUMENT', 'E_ARGUMENT: a service name is a string');
    if (this.#requests !== null) {
      this.#requests.add(request);
      return;
    }
    request.isEnded = true;
    process.nextTick(() => request.failed(new PigatoError('C_CLOSED'), true));
  }

  /** Tells the worker of a request that the reply is still wanted. Ids, which nobody is told, name no request. */
  heartbeat(request) {
    if (typeof request?.heartbeat === 'function') request.heartbeat();
  }

  #receive(requests, events) {
    if (requests !== this.#requests) return; // of a former life
    switch (events.kind) {
      case Kind.CONNECTED:
        this.socketId = requests.life.native.identity;
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

module.exports = { Client };
