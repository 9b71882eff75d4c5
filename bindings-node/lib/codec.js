'use strict';
// Encodes request and reply data: JSON, or raw bytes.

const { PigatoError } = require('./errors');

/** Largest body. Lengths in a packed buffer have 32 bits. */
const MAX_BYTES = 0x7fff_ffff;

/**
 * Data as it is sent; `undefined` is sent as null. Throws E_DATA, or a TypeError for a value that
 * JSON cannot hold.
 */
function encode(data, isRaw) {
  if (!isRaw) {
    const json = JSON.stringify(data);
    return json === undefined ? 'null' : json;
  }
  if (typeof data === 'string') return data;
  if (data instanceof Uint8Array) {
    if (data.byteLength <= MAX_BYTES) return data;
    throw new PigatoError('E_DATA', `E_DATA: a body must have at most ${MAX_BYTES} bytes, not ${data.byteLength}`);
  }
  if (data === undefined || data === null) return '';
  throw new PigatoError('E_DATA', 'E_DATA: with `codec: "raw"` data must be a Buffer, a Uint8Array or a string');
}

/**
 * Turns the JSON form of a Buffer back into a Buffer: peers that do not use `codec: 'raw'` send
 * bytes in it.
 */
function revived(data) {
  const isBuffer = typeof data === 'object' && data !== null && data.type === 'Buffer' && Array.isArray(data.data);
  return isBuffer ? Buffer.from(data.data) : data;
}

module.exports = { encode, revived };
