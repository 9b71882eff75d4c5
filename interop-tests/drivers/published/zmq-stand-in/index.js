'use strict';

// The part of zmq 2.15 that pigato 0.0.46 uses, on top of zeromq 6. zmq 2.15 itself does not build
// on current Node. Where zeromq's own compatibility layer differs from zmq 2.15 in a way that shows
// on the wire or in pigato's behaviour, this file restores the old behaviour, and nothing else.

const compat = require('zeromq/v5-compat');

const STATE_READY = 0;
const STATE_CLOSED = 2;

// These sockets have no routing id in zeromq 6. In zmq 2.15 it had no effect.
const ANONYMOUS = new Set(['pub', 'sub']);

class Socket extends compat.Socket {
  constructor(type) {
    super(type);
    this._zmq = { state: STATE_READY, binding: null };
  }

  // zeromq refuses to receive while an address is being bound or unbound, and retries without
  // letting the event loop finish that. If workers connect before the bind is complete, it would
  // retry forever.
  async _recv() {
    // `_zmq` does not exist yet when zeromq calls this for the first time.
    if (this._zmq?.binding) await this._zmq.binding;
    return super._recv();
  }

  bind(address, callback) {
    return super.bind(address, this._untilBound(callback));
  }

  unbind(address, callback) {
    return super.unbind(address, this._untilBound(callback));
  }

  _untilBound(callback) {
    let resume;
    this._zmq.binding = new Promise((resolve) => {
      resume = resolve;
    });
    return (error) => {
      this._zmq.binding = null;
      resume();
      if (callback) callback(error);
      else if (error) this.emit('error', error);
    };
  }

  // zmq 2.15 sent String(frame) for every frame that was not a Buffer, so the worker's error and
  // reject replies have the text "undefined" as their options.
  send(message, flags, callback) {
    const frames = Array.isArray(message) ? message : [message];
    return super.send(frames.map(toBuffer), flags, callback);
  }

  // zmq 2.15 delivered messages inside a try block, and turned an exception of a listener into an
  // 'error' event of the socket. Without an 'error' listener the process ends.
  emit(event, ...args) {
    if (event !== 'message') return super.emit(event, ...args);
    if (this._zmq.state === STATE_CLOSED) return false;
    try {
      return super.emit(event, ...args);
    } catch (error) {
      return super.emit('error', error);
    }
  }

  // zmq 2.15 sent immediately and delivered nothing after close(). zeromq queues in both
  // directions, so what was sent gets one more turn to leave, and what still arrives is dropped
  // (see emit).
  close() {
    if (this._zmq.state === STATE_CLOSED) return this;
    this._zmq.state = STATE_CLOSED;
    setImmediate(() => super.close());
    return this;
  }

  get identity() {
    return ANONYMOUS.has(this.type) ? '' : this.getsockopt('identity');
  }

  set identity(value) {
    if (ANONYMOUS.has(this.type)) return;
    this.setsockopt('identity', toBuffer(value));
  }
}

function toBuffer(frame) {
  return Buffer.isBuffer(frame) ? frame : Buffer.from(String(frame), 'utf8');
}

function socket(type, options = {}) {
  return Object.assign(new Socket(type), options);
}

module.exports = { Socket, socket, createSocket: socket, STATE_READY, STATE_CLOSED };
