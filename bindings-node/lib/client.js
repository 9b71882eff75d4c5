'use strict';

const { EventEmitter } = require('node:events');
const native = require('./native');
const { encode } = require('./codec');
const { liveConf, optionsOf, pick } = require('./conf');
const { PigatoError } = require('./errors');
const { emitConnectionEvent, emitStopped, requireString, settleStart } = require('./peer');
const { PendingRequests } = require('./pending-requests');
const { CallbackRequest, ReadableRequest } = require('./published-request');
const { IterableResponse, PromiseResponse, cancelOnAbort } = require('./response');

/** Options of the client that are defaults of its requests. */
const REQUEST_DEFAULTS = ['timeout', 'retry'];

/** Makes requests. index.d.ts documents each method. */
class Client extends EventEmitter {
  /**
   * JSON options of requests that set none; empty while they are the ones that the native client
   * was started with.
   */
  #defaults = '';
  /** @type {PendingRequests | null} */
  #requests = null;

  constructor(broker, conf) {
    super();
    this.broker = broker;
    this.conf = liveConf('client', conf, (name) => {
      if (REQUEST_DEFAULTS.includes(name)) this.#defaults = pick(this.conf, REQUEST_DEFAULTS);
    });
    this.socketId = undefined;
    if (this.conf.autostart) this.start();
  }

  start() {
    return settleStart(this, () => {
      this.stop();
      this.#defaults = '';
      const options = optionsOf('client', this.conf);
      const broker = requireString(this.broker, "the broker's address");
      this.#requests = new PendingRequests((wake) => native.NativeClient.start(broker, options, wake), {
        receive: (requests, events) => {
          // Events of a previous start are dropped.
          if (requests === this.#requests) emitConnectionEvent(this, requests.handle, events);
        },
        failed: (error) => this.emit('error', error),
        stopped: () => {},
      });
      this.socketId = this.#requests.handle.native.identity;
      this.emit('start');
    });
  }

  /**
   * Waits up to `drain` milliseconds for pending requests, fails the rest with C_CLOSED, and stops.
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
    emitStopped(this);
    return stopped;
  }

  /** Resolves with the final reply. Every failure is a rejection, never an exception. */
  call(service, data, options) {
    try {
      return this.#begin(PromiseResponse, service, data, options, (response, detach) => {
        if (detach) response.promise.finally(detach).catch(() => {});
        return response.promise;
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** An async iterable of all replies. */
  stream(service, data, options) {
    return this.#begin(IterableResponse, service, data, options, (response, detach) => {
      if (detach) response.onEnd(detach);
      return response;
    });
  }

  /**
   * Makes a request whose response is of class `Response`; returns what `finish(response,
   * detachSignal)` returns.
   */
  #begin(Response, service, data, given, finish) {
    const { signal, ...options } = given ?? {};
    if (signal && !(signal instanceof AbortSignal)) {
      throw new PigatoError('E_ARGUMENT', 'E_ARGUMENT: `signal` must be an AbortSignal');
    }
    if (data instanceof Uint8Array && options.codec === undefined) options.codec = 'raw';
    const response = new Response(service, encode(data, options.codec === 'raw'), this.#optionsOf(options));
    if (signal?.aborted) {
      response.isEnded = true;
      response.failed(new PigatoError('C_CANCELLED', undefined, { cause: signal.reason }), true);
      return finish(response);
    }
    this.#add(response);
    return finish(response, signal && cancelOnAbort(signal, response));
  }

  /**
   * Returns a Readable of the replies; with four arguments or more, calls callbacks instead and
   * returns nothing.
   */
  request(service, data, ...rest) {
    if (arguments.length >= 4) {
      const [partialCallback, finalCallback, options] = rest;
      const encoded = encode(data, options?.codec === 'raw');
      this.#add(new CallbackRequest(service, encoded, this.#optionsOf(options), partialCallback, finalCallback));
      return undefined;
    }
    const options = rest[0];
    const request = new ReadableRequest(service, encode(data, options?.codec === 'raw'), this.#optionsOf(options));
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
    requireString(request.service, 'a service name');
    if (this.#requests !== null) {
      this.#requests.add(request);
      return;
    }
    request.isEnded = true;
    process.nextTick(() => request.failed(new PigatoError('C_CLOSED'), true));
  }

  /**
   * Sends a heartbeat for a request stream. Ignores request ids, which this client does not hand
   * out.
   */
  heartbeat(request) {
    if (typeof request?.heartbeat === 'function') request.heartbeat();
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.stop();
  }
}

module.exports = { Client };
