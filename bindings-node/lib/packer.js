'use strict';
// Packs many requests or replies into one buffer for one call of the native part; src/unpack.rs
// reads it.

/** A length that means "the same text as in the entry before". */
const SAME = 0xffff_ffff;

/** Kinds of replies; src/worker.rs has the same numbers. */
const ReplyKind = Object.freeze({ PARTIAL: 0, FINAL: 1, ERROR: 2, REJECT: 3, FAIL: 4 });

/** A buffer that grows and is reused. */
class Packer {
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #length = 0;

  #reserve(count) {
    const wanted = this.#length + count;
    if (wanted <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  get length() {
    return this.#length;
  }

  byte(value) {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  /** A number as a double. */
  number(value) {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** A text, or SAME if it equals `before`. */
  textUnlessSame(text, before) {
    if (text !== before) {
      this.bytes(text);
      return;
    }
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32LE(SAME, this.#length);
  }

  /** A string, as UTF-8, or bytes. */
  bytes(data) {
    if (typeof data !== 'string') {
      this.#reserve(4 + data.byteLength);
      const at = this.#buffer.writeUInt32LE(data.byteLength, this.#length);
      this.#buffer.set(data, at);
      this.#length = at + data.byteLength;
      return;
    }
    this.#reserve(4 + data.length * 3); // a UTF-16 unit needs 3 bytes at most
    // @ts-expect-error: @types/node does not declare it
    const written = this.#buffer.utf8Write(data, this.#length + 4);
    this.#buffer.writeUInt32LE(written, this.#length);
    this.#length += 4 + written;
  }

  /** Returns what was written, valid until the next write. */
  take() {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    // Do not keep the memory of a large message.
    if (this.#buffer.length > 4 * 1024 * 1024) this.#buffer = Buffer.allocUnsafeSlow(64 * 1024);
    return taken;
  }
}

module.exports = { Packer, ReplyKind };
