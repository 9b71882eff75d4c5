'use strict';
// Code that brokers, workers and clients share.

const { Kind } = require('./events');
const { PigatoError } = require('./errors');

/**
 * Emits 'error' if there is a listener. For errors that affect nothing else: without one, emit
 * would throw.
 */
function emitError(emitter, error) {
  if (emitter.listenerCount('error') > 0) emitter.emit('error', error);
}

/**
 * Runs `start`. The promise reports a failure, and so does 'error' if there is a listener. Without
 * a listener and without a handler for the promise, a failure is an unhandled rejection.
 */
function settleStart(emitter, start) {
  const result = new Promise((resolve) => {
    resolve(start());
  });
  if (emitter.listenerCount('error') > 0) result.catch((error) => emitter.emit('error', error));
  return result;
}

/** Returns `value`, an address or a name; throws E_ARGUMENT if it is not a string. */
function requireString(value, what) {
  if (typeof value === 'string') return value;
  const type = value === null ? 'null' : typeof value;
  throw new PigatoError('E_ARGUMENT', `E_ARGUMENT: ${what} must be a string, not ${type}`);
}

/** Emits the connection event of a client or worker that `events` points at. */
function emitConnectionEvent(peer, handle, events) {
  switch (events.kind) {
    case Kind.CONNECTED:
      peer.socketId = handle.native.identity;
      peer.emit('connect');
      peer.conf.onConnect?.();
      break;
    case Kind.DISCONNECTED:
      peer.emit('disconnect');
      peer.conf.onDisconnect?.();
      break;
    case Kind.PROTOCOL_ERROR:
      emitError(peer, events.text(2));
      break;
    default:
  }
}

/** Emits the events of a client or worker that has stopped. */
function emitStopped(peer) {
  peer.socketId = undefined;
  peer.emit('disconnect');
  peer.conf.onDisconnect?.();
  peer.emit('stop');
}

module.exports = { emitConnectionEvent, emitError, emitStopped, requireString, settleStart };
