'use strict';
// Data on its way to the wire: JSON, or bytes as they are.

const { PigatoError } = require('./errors');

/** Data as it is sent. `undefined` is sent as null. */
function encode(data, isRaw) {
  if (!isRaw) {
    const json = JSON.stringify(data);
    return json === undefined ? 'null' : json;
  }
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  if (data === undefined || data === null) return '';
  throw new PigatoError('E_DATA', 'E_DATA: with `codec: "raw"` data is a Buffer, a Uint8Array or a string');
}

/** A Buffer that a published peer, or a program that does not use `codec: 'raw'`, sent as JSON is one again. */
function revived(data) {
  const isBuffer = typeof data === 'object' && data !== null && data.type === 'Buffer' && Array.isArray(data.data);
  return isBuffer ? Buffer.from(data.data) : data;
}

module.exports = { encode, revived };
