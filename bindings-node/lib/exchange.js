'use strict';
// The requests that a worker's life has been given, and the replies on their way down.

const { Kind } = require('./events');
const { Life } = require('./life');
const { Packer, ReplyKind } = require('./packer');
const alive = require('./alive');

/** Final replies that go down together are not many more bytes than that. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** A request that a worker has, from its arrival until its final reply or its cancellation. */
class Exchange {
  constructor(exchanges, token) {
    this.exchanges = exchanges;
    this.token = token;
    this.isEnded = false;
    /** The code that says why nobody waits any more. */
    this.cancelled = undefined;
    /** Whether a reply was refused because nobody waits: the cancellation is on its way. */
    this.isGone = false;
    /** Called when a partial reply that was refused may be sent. */
    this.onWritable = null;
    this.onCancel = null;
    /** The stream for the reply, which closes when nobody waits any more. */
    this.reply = null;
  }

  /** Whether a reply can still be sent. */
  get isLive() {
    return !this.isEnded && this.cancelled === undefined;
  }

  /** Whether a reply is still wanted, as far as is known. */
  get isWanted() {
    return this.isLive && this.exchanges.life.call('isWanted', this.token) === true;
  }

  /** Sends a partial reply. False if the client has to read first; then `onWritable` follows. */
  write(data, options) {
    if (!this.isLive) return true;
    const refusal = this.exchanges.write(this, data, options);
    this.isGone = Boolean(refusal) && refusal !== 'C_BUSY';
    return refusal !== 'C_BUSY';
  }

  /** Throws what is wrong with the options of a reply. */
  check(options) {
    this.exchanges.check(options);
  }

  /** Ends it with an answer, an error, a rejection or the message of a failure. */
  finish(kind, data, options = '') {
    if (this.isLive) this.exchanges.finish(this, kind, data, options);
  }
}

class Exchanges {
  #packer = new Packer();
  #byToken = new Map();
  /** Final replies that go down together at the end of this tick. */
  #finals = [];
  /** The options that were found right last. */
  #checked = '';
  #flush = () => this.#sendFinals();

  /**
   * @param {(wake: () => void) => import('../native').NativeWorker} start makes the native worker
   * @param {object} owner is told about requests and the connection
   */
  constructor(start, owner) {
    this.owner = owner;
    this.life = new Life(start, this);
    alive.hold();
  }

  get isEmpty() {
    return this.#byToken.size === 0;
  }

  write(exchange, data, options) {
    this.#pack({ kind: ReplyKind.PARTIAL, token: exchange.token, data, options });
    return this.life.call('reply', this.#packer.take())?.[0];
  }

  /** One reply that is refused would take all with it that go down together, so its options are looked at before. */
  check(options) {
    if (options === this.#checked) return;
    this.life.call('checkReplyOptions', options);
    this.#checked = options;
  }

  finish(exchange, kind, data, options) {
    exchange.isEnded = true;
    this.#byToken.delete(exchange.token);
    if (this.#finals.push({ kind, token: exchange.token, data, options }) === 1) process.nextTick(this.#flush);
  }

  #pack({ kind, token, data, options }, before) {
    this.#packer.byte(kind);
    this.#packer.token(token);
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

  /** A refusal says that the request was cancelled meanwhile, and then nobody waits for the reply. */
  #sendPacked() {
    this.life.call('reply', this.#packer.take());
  }

  /** Stops once what is live is answered, or after this time. */
  stop(milliseconds) {
    this.#sendFinals();
    return this.life.stop(milliseconds);
  }

  /** @see Life */
  receive(events) {
    switch (events.kind) {
      case Kind.REQUEST: {
        const exchange = new Exchange(this, events.token);
        this.#byToken.set(exchange.token, exchange);
        this.owner.request(exchange, events);
        break;
      }
      case Kind.WRITABLE:
        this.#byToken.get(events.token)?.onWritable?.();
        break;
      case Kind.CANCELLED:
        this.#cancel(this.#byToken.get(events.token), events.text(2));
        break;
      case Kind.HEARTBEAT:
        break; // the native part knows
      default:
        this.owner.receive(this, events);
    }
  }

  #cancel(exchange, code) {
    if (exchange === undefined) return;
    this.#byToken.delete(exchange.token);
    exchange.cancelled = code;
    exchange.onWritable?.();
    exchange.onCancel?.();
    exchange.reply?.destroy();
  }

  failed(error) {
    this.owner.failed(error);
  }

  stopped() {
    for (const exchange of this.#byToken.values()) {
      try {
        this.#cancel(exchange, 'C_CLOSED');
      } catch (error) {
        this.life.report(error);
      }
    }
    alive.release();
    this.owner.stopped(this);
  }
}

module.exports = { Exchanges };
