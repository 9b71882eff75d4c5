'use strict';

const native = require('./native');

/** What codes mean, in words; from the core. */
const messages = JSON.parse(native.errorCodes());

/** Node's own codes for a value of another type than the native part takes. */
const WRONG_TYPES = ['InvalidArg', 'StringExpected', 'NumberExpected', 'ArrayExpected', 'BooleanExpected'];

/** A failure with the `code` that all languages give it. */
class PigatoError extends Error {
  /**
   * @param {string | undefined} code of PIGATO's own; undefined for an error value of the service's.
   * @param {string} [message]
   * @param {{ value?: unknown, origin?: string, options?: object, cause?: unknown }} [details]
   */
  constructor(code, message, details = {}) {
    super(message || `${code}: ${messages[code]}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.origin = details.origin ?? 'local';
    if ('value' in details) this.value = details.value;
    if (details.options) this.options = details.options;
  }

  get name() {
    return 'PigatoError';
  }
}

/** Runs a call of the native part; what it throws becomes a PigatoError. */
function checked(call) {
  try {
    return call();
  } catch (error) {
    if (Object.hasOwn(messages, error.code)) throw new PigatoError(error.code, error.message, { cause: error });
    if (WRONG_TYPES.includes(error.code)) throw new PigatoError('E_ARGUMENT', `E_ARGUMENT: ${error.message}`, { cause: error });
    // A panic has Node's own code.
    throw new PigatoError('E_INTERNAL', error.message, { cause: error });
  }
}

module.exports = { PigatoError, checked, messages };
