'use strict';
// The replies to one request that its user has not read yet.

const native = require('./native');

/**
 * How much may be unread. Workers of protocol version 1 stop earlier, because their credit runs
 * out. Published workers know no credit: at these limits their request ends with C_BUSY.
 */
const limits = native.unreadLimits();

/** Entries that were taken before the array is shortened. */
const MAX_TAKEN = 1024;

class ReplyBuffer {
  /** Entries before `#first` were taken; the others are unread. */
  #entries = [];
  #first = 0;
  #bytes = 0;

  get length() {
    return this.#entries.length - this.#first;
  }

  /** Whether one more partial reply of this size fits. An empty buffer takes one of any size. */
  hasRoomFor(bytes) {
    return this.length === 0 || (this.length < limits.partials && this.#bytes + bytes <= limits.bytes);
  }

  push(reply, bytes = 0) {
    this.#entries.push({ reply, bytes });
    this.#bytes += bytes;
  }

  /** Takes the oldest reply. The buffer must not be empty. */
  shift() {
    const { reply, bytes } = this.#entries[this.#first];
    this.#entries[this.#first] = undefined;
    this.#first += 1;
    this.#bytes -= bytes;
    if (this.length === 0) this.clear();
    else if (this.#first >= MAX_TAKEN && this.#first > this.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return reply;
  }

  clear() {
    this.#entries = [];
    this.#first = 0;
    this.#bytes = 0;
  }
}

module.exports = { ReplyBuffer, limits };
