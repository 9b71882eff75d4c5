'use strict';
// The requests that `client.request` makes, in the two styles of the published package: callbacks,
// and an object-mode Readable. Both are pending requests (pending-requests.js).

const { AsyncResource } = require('node:async_hooks');
const { Readable } = require('node:stream');
const { revived } = require('./codec');
const { PendingRequest } = require('./pending-requests');
const { ReplyBuffer } = require('./reply-buffer');

/** The argument of callbacks and 'error' listeners: the service's error value, or the code. */
function errorValue(error) {
  // A falsy error value would look like success.
  if ('value' in error) return error.value || -1;
  return error.code;
}

/**
 * A request whose replies go to callbacks. Their error argument is 0 for success, as in the
 * published package.
 */
class CallbackRequest extends PendingRequest {
  #resource = new AsyncResource('PIGATO_REQUEST');

  constructor(service, data, options, partialCallback, finalCallback) {
    super(service, data, options);
    this.partialCallback = partialCallback;
    this.finalCallback = finalCallback;
  }

  #call(callback, error, data) {
    if (callback) this.#resource.runInAsyncScope(callback, undefined, error, data);
  }

  partial(data) {
    this.consumed(1);
    this.#call(this.partialCallback, null, data);
  }

  final(data) {
    this.#call(this.finalCallback, 0, data);
  }

  failed(error, isFinal) {
    this.#call(isFinal ? this.finalCallback : this.partialCallback, errorValue(error), null);
  }
}

/** A request whose replies are read from a Readable. */
class ReadableRequest extends PendingRequest {
  #resource = new AsyncResource('PIGATO_REQUEST');
  /** Replies that do not fit into the stream's own buffer; null marks the end. */
  #unread = new ReplyBuffer();
  #hasRoom = true;

  constructor(service, data, options) {
    super(service, data, options);
    const stream = new Readable({
      objectMode: true,
      read: () => {
        this.#hasRoom = true;
        this.#push();
      },
      destroy: (error, done) => {
        this.cancel();
        done(error);
      },
    });
    this.stream = Object.assign(stream, { heartbeat: () => this.heartbeat() });
  }

  #push() {
    let partials = 0;
    while (this.#hasRoom && this.#unread.length > 0) {
      const reply = this.#unread.shift();
      if (reply !== null) partials += 1;
      this.#hasRoom = this.stream.push(reply);
    }
    if (partials > 0 && !this.isEnded) this.consumed(partials);
  }

  #add(data, bytes) {
    // A Readable cannot hold null: it would end the stream.
    if (data !== null) this.#unread.push(revived(data), bytes);
  }

  partial(data, bytes) {
    if (data === null) this.consumed(1);
    else if (!this.#unread.hasRoomFor(bytes)) {
      this.overflow();
      return;
    }
    this.#add(data, bytes);
    this.#resource.runInAsyncScope(this.#push, this);
  }

  final(data) {
    this.#add(data);
    this.#unread.push(null);
    this.#resource.runInAsyncScope(this.#push, this);
  }

  failed(error, isFinal) {
    if (this.stream.destroyed) return;
    if (isFinal) this.#unread.push(null);
    try {
      this.#resource.runInAsyncScope(() => this.stream.emit('error', errorValue(error)));
    } finally {
      // 'end' follows 'error', as in the published package.
      this.#resource.runInAsyncScope(this.#push, this);
    }
  }
}

module.exports = { CallbackRequest, ReadableRequest };
