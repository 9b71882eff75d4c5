'use strict';
// The answer to one request, as 'request' listeners have it: an object-mode Writable.
//
// Most replies are one `end` and no stream at all, so what makes it one is set up when it is first asked for: Writable keeps
// all of that behind `_writableState`.

const { Writable } = require('node:stream');
const { encode } = require('./codec');
const { ReplyKind } = require('./packer');

function Reply(exchange, heartbeat, isRaw) {
  this.exchange = exchange;
  exchange.reply = this;
  /** Whether the request came as bytes: then its client understands bytes. */
  this.isRaw = isRaw;
  /** Options of the replies: `codec`, `cache`, and keys of the user's own. */
  this.opts = {};
  /** Whether the final reply was given. */
  this.ended = false;
  this.heartbeat = heartbeat;
}

Object.setPrototypeOf(Reply.prototype, Writable.prototype);
Object.setPrototypeOf(Reply, Writable);

Object.defineProperty(Reply.prototype, '_writableState', {
  get() {
    Writable.call(this, { objectMode: true });
    if (this.ended) Writable.prototype.end.call(this);
    return this._writableState;
  },
  set(value) {
    Object.defineProperty(this, '_writableState', { value, writable: true, enumerable: true });
  },
});

function isStream(reply) {
  return Object.hasOwn(reply, '_writableState') || reply._events !== undefined;
}

/** Data and options as they are sent. */
function encoded(reply, data) {
  let { opts } = reply;
  if (reply.isRaw && opts.codec === undefined && data instanceof Uint8Array) opts = { ...opts, codec: 'raw' };
  const bytes = encode(data, opts.codec === 'raw');
  let options = '';
  for (const _ in opts) {
    options = JSON.stringify(opts);
    reply.exchange.check(options);
    break;
  }
  return [bytes, options];
}

function finish(reply, kind, data) {
  const [bytes, options] = encoded(reply, data);
  reply.ended = true;
  reply.exchange.finish(kind, bytes, options);
}

/** Sends a partial reply. False if the client has to read first, and then 'drain' follows. */
Reply.prototype.write = function write(data, encoding, callback) {
  const isPlain = !isStream(this) && !this.ended && data !== null && encoding === undefined && callback === undefined;
  const hasRoom = (isPlain && this.exchange.write(...encoded(this, data)))
    || Writable.prototype.write.call(this, data, encoding, callback);
  // Who writes for as long as there is room shall come to an end when nobody reads: 'close' follows.
  return hasRoom && !this.exchange.isGone;
};

Reply.prototype._write = function _write(data, encoding, callback) {
  const { exchange } = this;
  let bytes;
  let options;
  try {
    [bytes, options] = encoded(this, data);
  } catch (error) {
    callback(error);
    return;
  }
  const attempt = () => {
    exchange.onWritable = null;
    if (exchange.write(bytes, options)) callback();
    else exchange.onWritable = attempt;
  };
  attempt();
};

/** Listeners hear of what came before they were added: it is no stream until somebody listens. */
Reply.prototype.on = function on(name, listener) {
  if (this.ended && !isStream(this)) void this._writableState;
  return Writable.prototype.on.call(this, name, listener);
};
Reply.prototype.addListener = Reply.prototype.on;

/** Sends the final reply, after the partial ones. */
Reply.prototype.end = function end(data, encoding, callback) {
  if (!isStream(this) && encoding === undefined && callback === undefined && typeof data !== 'function') {
    if (!this.ended) finish(this, ReplyKind.FINAL, data);
    return this;
  }
  const given = [data, encoding, callback];
  if (!this.ended) this.finalData = typeof data === 'function' ? undefined : data;
  this.ended = true;
  return Writable.prototype.end.call(this, given.find((value) => typeof value === 'function'));
};

Reply.prototype._final = function _final(callback) {
  try {
    finish(this, ReplyKind.FINAL, this.finalData);
    callback();
  } catch (error) {
    callback(error);
  }
};

/** A reply that is given up, by a pipeline whose source failed for instance, fails its request. */
Reply.prototype._destroy = function _destroy(error, callback) {
  this.exchange.finish(ReplyKind.FAIL, error ? String(error.message) : 'the reply was given up');
  callback(error);
};

/** Sends an error value as the final reply. */
Reply.prototype.error = function error(value) {
  finish(this, ReplyKind.ERROR, value);
};

/** Has another worker answer. */
Reply.prototype.reject = function reject(reason) {
  const data = encode(reason, false);
  this.ended = true;
  this.exchange.finish(ReplyKind.REJECT, data);
};

/** Whether the client still waits. */
Reply.prototype.active = function active() {
  return this.exchange.isWanted;
};

module.exports = { Reply };
