'use strict';
// Writes what src/unpack.rs reads: many requests or replies in one buffer, that one call takes down.

/** Stands for "the same text as in the entry before". */
const SAME = 0xffff_ffff;

/** Kinds of replies; the same numbers stand in src/worker.rs. */
const ReplyKind = Object.freeze({ PARTIAL: 0, FINAL: 1, ERROR: 2, REJECT: 3, FAIL: 4 });

/** A buffer that grows and is used again and again. */
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

  token(value) {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** A text, or a mark that it is the same as `before`. */
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
    this.#reserve(4 + data.length * 3); // no UTF-16 unit needs more
    // @ts-expect-error: the types of Node.js leave it out
    const written = this.#buffer.utf8Write(data, this.#length + 4);
    this.#buffer.writeUInt32LE(written, this.#length);
    this.#length += 4 + written;
  }

  /** What was written, valid until the next write. */
  take() {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    // One large message is no reason to keep its memory.
    if (this.#buffer.length > 4 * 1024 * 1024) this.#buffer = Buffer.allocUnsafeSlow(64 * 1024);
    return taken;
  }
}

module.exports = { Packer, ReplyKind };
