'use strict';
// Requests as the published package has them: callbacks, or an object-mode Readable.

const { AsyncResource } = require('node:async_hooks');
const { Readable } = require('node:stream');
const { revived } = require('./codec');
const { Pending } = require('./requests');
const { Unread } = require('./unread');

/** What callbacks and 'error' events get: the service's error value, or the code. */
function errorValue(error) {
  // Nothing that looks like success.
  if ('value' in error) return error.value || -1;
  return error.code;
}

/** A request with callbacks. Success is the error 0. */
class CallbackRequest extends Pending {
  #resource = new AsyncResource('PIGATO_REQUEST');

  constructor(service, data, options, partialCallback, finalCallback) {
    super(service, data, options);
    this.partialCallback = partialCallback;
    this.finalCallback = finalCallback;
  }

  #tell(callback, error, data) {
    if (callback) this.#resource.runInAsyncScope(callback, undefined, error, data);
  }

  partial(data) {
    this.consumed(1);
    this.#tell(this.partialCallback, null, data);
  }

  final(data) {
    this.#tell(this.finalCallback, 0, data);
  }

  failed(error, isFinal) {
    this.#tell(isFinal ? this.finalCallback : this.partialCallback, errorValue(error), null);
  }
}

/** A request whose replies a stream gives. */
class StreamRequest extends Pending {
  #resource = new AsyncResource('PIGATO_REQUEST');
  /** Replies that the stream has no room for; null for the end. */
  #unread = new Unread();
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
    // The end is what null means to a stream.
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
      // The stream ends after an error, as it always did.
      this.#resource.runInAsyncScope(this.#push, this);
    }
  }
}

module.exports = { CallbackRequest, StreamRequest };
