'use strict';
// The reply to one job, as 'request' listeners receive it: an object-mode Writable.
//
// Most replies are one call of `end`. The Writable is therefore only initialised on first use:
// Writable keeps all of its state behind `_writableState`, and the getter below creates it.

const { Writable } = require('node:stream');
const { encode } = require('./codec');
const { ReplyKind } = require('./packer');

function Reply(job, heartbeat, isRaw) {
  this.job = job;
  job.reply = this;
  /** Whether the request was sent as bytes, so that its client understands bytes. */
  this.isRaw = isRaw;
  /** Options of the replies: `codec`, `cache`, and the user's own keys. */
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

/** Whether the Writable was initialised. */
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
    reply.job.check(options);
    break;
  }
  return [bytes, options];
}

function finish(reply, kind, data) {
  const [bytes, options] = encoded(reply, data);
  reply.ended = true;
  reply.job.finish(kind, bytes, options);
}

/** Sends a partial reply. False if the client has to read first; then 'drain' follows. */
Reply.prototype.write = function write(data, encoding, callback) {
  const isPlain = !isStream(this) && !this.ended && data !== null && encoding === undefined && callback === undefined;
  const hasRoom = (isPlain && this.job.write(...encoded(this, data)))
    || Writable.prototype.write.call(this, data, encoding, callback);
  // False ends a loop `while (reply.write(…))` when the client is gone; 'close' follows.
  return hasRoom && !this.job.isGone;
};

Reply.prototype._write = function _write(data, encoding, callback) {
  const { job } = this;
  let bytes;
  let options;
  try {
    [bytes, options] = encoded(this, data);
  } catch (error) {
    callback(error);
    return;
  }
  const attempt = () => {
    job.onWritable = null;
    if (job.write(bytes, options)) callback();
    else job.onWritable = attempt;
  };
  attempt();
};

/** Initialises the Writable of an ended reply, so that late listeners still receive 'finish'. */
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

/**
 * Fails the request if the reply is destroyed before its end, for instance by a pipeline whose
 * source failed.
 */
Reply.prototype._destroy = function _destroy(error, callback) {
  this.job.finish(ReplyKind.FAIL, error ? String(error.message) : 'the worker destroyed the reply before its end');
  callback(error);
};

/** Sends an error value as the final reply. */
Reply.prototype.error = function error(value) {
  finish(this, ReplyKind.ERROR, value);
};

/** Returns the request to the broker, which hands it to another worker. */
Reply.prototype.reject = function reject(reason) {
  const data = encode(reason, false);
  this.ended = true;
  this.job.finish(ReplyKind.REJECT, data);
};

/** Whether the client still waits for a reply. */
Reply.prototype.active = function active() {
  return this.job.isWanted;
};

module.exports = { Reply };
