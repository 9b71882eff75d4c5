'use strict';

const native = require('./native');

/** The core's message for each code. */
const messages = JSON.parse(native.errorCodes());

/** napi's codes for an argument of a wrong type. */
const WRONG_TYPE_CODES = ['InvalidArg', 'StringExpected', 'NumberExpected', 'ArrayExpected', 'BooleanExpected'];

/** A failure. Its `code` is the same in all languages. */
class PigatoError extends Error {
  /**
   * @param {string | undefined} code undefined for an error value of the service
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

/** Calls the native part. Turns what it throws into a PigatoError. */
function checked(call) {
  try {
    return call();
  } catch (error) {
    if (Object.hasOwn(messages, error.code)) throw new PigatoError(error.code, error.message, { cause: error });
    if (WRONG_TYPE_CODES.includes(error.code)) {
      throw new PigatoError('E_ARGUMENT', `E_ARGUMENT: ${error.message}`, { cause: error });
    }
    // A panic has napi's code GenericFailure.
    throw new PigatoError('E_INTERNAL', error.message, { cause: error });
  }
}

module.exports = { PigatoError, checked, messages };
