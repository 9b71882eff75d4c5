'use strict';

const { EventEmitter } = require('node:events');
const native = require('./native');
const { liveConf, optionsOf, pick } = require('./conf');
const { PigatoError } = require('./errors');
const { fail, handle } = require('./handler');
const { Jobs } = require('./job');
const { emitConnectionEvent, emitError, emitStopped, requireString, settleStart } = require('./peer');
const { Reply } = require('./reply');

/** Offers a service. index.d.ts documents each method. */
class Worker extends EventEmitter {
  /** @type {Jobs | null} */
  #jobs = null;
  #handler = null;
  #heartbeat = () => this.heartbeat();

  constructor(broker, service, conf) {
    super();
    this.broker = broker;
    this.service = service;
    this.conf = liveConf('worker', conf, (name) => {
      if (name === 'concurrency') this.#jobs?.handle.call('setConcurrency', pick(this.conf, [name]));
    });
    this.socketId = undefined;
  }

  start() {
    return settleStart(this, () => {
      this.stop();
      const options = optionsOf('worker', this.conf);
      const broker = requireString(this.broker, "the broker's address");
      const service = requireString(this.service, 'a service name');
      const start = (wake) => native.NativeWorker.start(broker, service, options, wake);
      this.#jobs = new Jobs(start, {
        request: (job, events) => this.#request(job, events),
        receive: (jobs, events) => {
          // Events of a previous start are dropped.
          if (jobs === this.#jobs) emitConnectionEvent(this, jobs.handle, events);
        },
        failed: (error) => this.emit('error', error),
        stopped: () => {},
      });
      this.socketId = this.#jobs.handle.native.identity;
      this.emit('start');
    });
  }

  /**
   * Stops when all jobs are finished, after `drain` milliseconds at the latest; 0 stops at once.
   */
  async stop({ drain = 0 } = {}) {
    const jobs = this.#jobs;
    if (jobs === null) return;
    const stopped = jobs.stop(drain);
    if (drain !== 0) await stopped;
    if (jobs === this.#jobs) {
      this.#jobs = null;
      emitStopped(this);
    }
    await stopped;
  }

  /** Sets a function that answers each request, in place of 'request' listeners. */
  handle(handler) {
    if (typeof handler !== 'function') throw new PigatoError('E_ARGUMENT', 'E_ARGUMENT: a handler must be a function');
    this.#handler = handler;
    return this;
  }

  /** Sends a heartbeat to the broker now. */
  heartbeat() {
    this.#jobs?.handle.call('heartbeat');
  }

  #request(job, events) {
    let data = null;
    try {
      data = events.data();
    } catch {
      // The published package hands invalid JSON over as null.
    }
    if (this.#handler !== null) {
      handle(this.#handler, job, events, data, this.#heartbeat);
      return;
    }
    try {
      if (!this.emit('request', data, new Reply(job, this.#heartbeat, events.isRaw), events.options())) {
        fail(job, "the worker has no handler: call worker.handle() or listen to 'request'");
      }
    } catch (error) {
      fail(job, error);
      emitError(this, error);
    }
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.stop();
  }
}

module.exports = { Worker };
