'use strict';
// The jobs of a started worker: the requests that it has, and their replies on the way to the
// native part.

const { Kind } = require('./events');
const { NativeHandle } = require('./native-handle');
const { Packer, ReplyKind } = require('./packer');
const processRef = require('./process-ref');

/** Bytes of final replies after which a batch goes to the native part. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** A request while a worker has it: from delivery to the final reply or the cancellation. */
class Job {
  constructor(jobs, number) {
    this.jobs = jobs;
    /** The request number. */
    this.number = number;
    this.isEnded = false;
    /** The error code of its cancellation; undefined while it is not cancelled. */
    this.cancelled = undefined;
    /**
     * Whether the native part refused a reply because the job is cancelled. The cancellation event
     * follows.
     */
    this.isGone = false;
    /** Called when a partial reply that was refused may be sent again. */
    this.onWritable = null;
    this.onCancel = null;
    /** The Reply stream; it is destroyed when the job is cancelled. */
    this.reply = null;
  }

  /** Whether a reply can still be sent. */
  get isOpen() {
    return !this.isEnded && this.cancelled === undefined;
  }

  /** Whether the client still wants a reply, as far as the native part knows. */
  get isWanted() {
    return this.isOpen && this.jobs.handle.call('isWanted', this.number) === true;
  }

  /** Sends a partial reply. False if it must wait for the client to read; `onWritable` follows. */
  write(data, options) {
    if (!this.isOpen) return true;
    const refusal = this.jobs.write(this, data, options);
    this.isGone = Boolean(refusal) && refusal !== 'C_BUSY';
    return refusal !== 'C_BUSY';
  }

  /** Throws E_OPTION if these reply options are invalid. */
  check(options) {
    this.jobs.check(options);
  }

  /** Ends the job with a final reply of this kind. */
  finish(kind, data, options = '') {
    if (this.isOpen) this.jobs.finish(this, kind, data, options);
  }
}

class Jobs {
  #packer = new Packer();
  #byNumber = new Map();
  /** Final replies that are sent as one batch at the end of this tick. */
  #finals = [];
  /** The reply options that were checked last. */
  #checked = '';
  #flush = () => this.#sendFinals();

  /**
   * @param {(wake: () => void) => import('../native').NativeWorker} start starts the native worker
   * @param {object} owner receives jobs and connection events
   */
  constructor(start, owner) {
    this.owner = owner;
    this.handle = new NativeHandle(start, this);
    processRef.ref();
  }

  write(job, data, options) {
    this.#pack({ kind: ReplyKind.PARTIAL, number: job.number, data, options });
    return this.handle.call('reply', this.#packer.take())?.[0];
  }

  /**
   * Checks options before they are batched: one invalid reply would make the call fail for the
   * whole batch.
   */
  check(options) {
    if (options === this.#checked) return;
    this.handle.call('checkReplyOptions', options);
    this.#checked = options;
  }

  finish(job, kind, data, options) {
    job.isEnded = true;
    this.#byNumber.delete(job.number);
    if (this.#finals.push({ kind, number: job.number, data, options }) === 1) process.nextTick(this.#flush);
  }

  #pack({ kind, number, data, options }, before) {
    this.#packer.byte(kind);
    this.#packer.number(number);
    this.#packer.textUnlessSame(options, before);
    this.#packer.bytes(data);
  }

  #sendFinals() {
    let before;
    const finals = this.#finals;
    this.#finals = [];
    for (const reply of finals) {
      this.#pack(reply, before);
      before = reply.options;
      if (this.#packer.length < BATCH_BYTES) continue;
      this.#sendPacked();
      before = undefined;
    }
    this.#sendPacked();
  }

  /** Ignores refusals: a final reply is only refused if its job was cancelled meanwhile. */
  #sendPacked() {
    this.handle.call('reply', this.#packer.take());
  }

  /** Stops when all jobs are finished, after `milliseconds` at the latest. */
  stop(milliseconds) {
    this.#sendFinals();
    return this.handle.stop(milliseconds);
  }

  /** @see NativeHandle */
  receive(events) {
    switch (events.kind) {
      case Kind.REQUEST: {
        const job = new Job(this, events.requestNumber);
        this.#byNumber.set(job.number, job);
        this.owner.request(job, events);
        break;
      }
      case Kind.WRITABLE:
        this.#byNumber.get(events.requestNumber)?.onWritable?.();
        break;
      case Kind.CANCELLED:
        this.#cancel(this.#byNumber.get(events.requestNumber), events.text(2));
        break;
      case Kind.HEARTBEAT:
        break; // isWanted asks the native part, which counts them
      default:
        this.owner.receive(this, events);
    }
  }

  #cancel(job, code) {
    if (job === undefined) return;
    this.#byNumber.delete(job.number);
    job.cancelled = code;
    job.onWritable?.();
    job.onCancel?.();
    job.reply?.destroy();
  }

  failed(error) {
    this.owner.failed(error);
  }

  stopped() {
    for (const job of this.#byNumber.values()) {
      try {
        this.#cancel(job, 'C_CLOSED');
      } catch (error) {
        this.handle.report(error);
      }
    }
    processRef.unref();
    this.owner.stopped(this);
  }
}

module.exports = { Jobs };
