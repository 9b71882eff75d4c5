'use strict';
// What brokers, workers and clients have in common.

const { PigatoError } = require('./errors');

/** Tells of something that went wrong and harms nobody: only those who want to know. */
function emitError(emitter, error) {
  if (emitter.listenerCount('error') > 0) emitter.emit('error', error);
}

/**
 * Runs what starts something. The promise is for those who await it; others hear of a failure through 'error', or, if
 * nobody listens, as an unhandled rejection.
 */
function started(emitter, start) {
  const result = new Promise((resolve) => {
    resolve(start());
  });
  if (emitter.listenerCount('error') > 0) result.catch((error) => emitter.emit('error', error));
  return result;
}

/** A value that has to be a string: an address, a name. */
function textOf(value, what) {
  if (typeof value === 'string') return value;
  throw new PigatoError('E_ARGUMENT', `E_ARGUMENT: ${what} is a string, not ${value === null ? 'null' : typeof value}`);
}

/** Tells that a client or worker has stopped. */
function finished(peer) {
  peer.emit('disconnect');
  peer.conf.onDisconnect?.();
  peer.emit('stop');
}

module.exports = { emitError, finished, started, textOf };
