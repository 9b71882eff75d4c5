'use strict';
// The replies to one request that wait for their reader.

const native = require('./native');

/**
 * How much may wait. Workers of version 1 stop long before, for lack of credit; a request whose published worker does not
 * ends with C_BUSY here.
 */
const most = native.unreadLimits();

/** Taken entries are let go of once there are so many. */
const MOST_TAKEN = 1024;

class Unread {
  /** Entries from `#first` on wait; those before it were taken. */
  #entries = [];
  #first = 0;
  #bytes = 0;

  get length() {
    return this.#entries.length - this.#first;
  }

  /** Whether a partial reply of so many bytes may wait too. One alone always may. */
  hasRoomFor(bytes) {
    return this.length === 0 || (this.length < most.partials && this.#bytes + bytes <= most.bytes);
  }

  push(reply, bytes = 0) {
    this.#entries.push({ reply, bytes });
    this.#bytes += bytes;
  }

  /** The oldest one. There has to be one. */
  shift() {
    const { reply, bytes } = this.#entries[this.#first];
    this.#entries[this.#first] = undefined;
    this.#first += 1;
    this.#bytes -= bytes;
    if (this.length === 0) this.clear();
    else if (this.#first >= MOST_TAKEN && this.#first > this.length) {
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

module.exports = { Unread, most };
