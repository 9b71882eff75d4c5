'use strict';
// Data on its way to the wire: JSON, or bytes as they are.

const { PigatoError } = require('./errors');

/** What the lengths in a packed buffer can tell, by a good margin. */
const MOST_BYTES = 0x7fff_ffff;

/** Data as it is sent. `undefined` is sent as null. */
function encode(data, isRaw) {
  if (!isRaw) {
    const json = JSON.stringify(data);
    return json === undefined ? 'null' : json;
  }
  if (typeof data === 'string') return data;
  if (data instanceof Uint8Array) {
    if (data.byteLength <= MOST_BYTES) return data;
    throw new PigatoError('E_DATA', `E_DATA: a body has at most ${MOST_BYTES} bytes`);
  }
  if (data === undefined || data === null) return '';
  throw new PigatoError('E_DATA', 'E_DATA: with `codec: "raw"` data is a Buffer, a Uint8Array or a string');
}

/** A Buffer that a published peer, or a program that does not use `codec: 'raw'`, sent as JSON is one again. */
function revived(data) {
  const isBuffer = typeof data === 'object' && data !== null && data.type === 'Buffer' && Array.isArray(data.data);
  return isBuffer ? Buffer.from(data.data) : data;
}

module.exports = { encode, revived };
