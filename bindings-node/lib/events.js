'use strict';
// Reads the buffers that src/pack.rs writes: a header of 32-bit words for each event, then the
// bodies.

const { isUtf8 } = require('node:buffer');

/** Words of a header: kind, flags, request number (2), values (2), lengths of the parts (6). */
const WORDS = 12;
/** The first word that holds a part's length. */
const PARTS = 6;
/** Largest buffer that is converted to one string. */
const MAX_STRING_BYTES = 64 * 1024 * 1024;

/** src/pack.rs has the same numbers. */
const Kind = Object.freeze({
  CONNECTED: 1, DISCONNECTED: 2, STOPPED: 3, PROTOCOL_ERROR: 4, REPLY: 5, FAILED: 6, REQUEST: 7, CANCELLED: 8,
  HEARTBEAT: 9, WRITABLE: 10, WORKER_JOINED: 11, WORKER_LEFT: 12, CLIENT_LEFT: 13, STORED: 14, REMOVED: 15,
});
const FINAL = 1;
const RAW = 2;
const FROM_WORKER = 4;
const FROM_BROKER = 8;
const NEVER = 16;

/** A cursor over the events of one buffer. */
class Events {
  constructor(buffer) {
    this.buffer = buffer;
    const [count, isAscii] = new Uint32Array(buffer.buffer, buffer.byteOffset, 2);
    this.count = count;
    this.words = new Uint32Array(buffer.buffer, buffer.byteOffset + 8, count * WORDS);
    this.at = -WORDS;
    /** Start of the current event's body, and of the next one's. */
    this.start = 0;
    this.end = 8 + count * WORDS * 4;
    this.base = this.end;
    // ASCII bodies are converted to one string, of which JSON texts are slices. A larger buffer
    // would exceed a string.
    this.isAscii = isAscii !== 0;
    this.ascii = this.isAscii && buffer.length <= MAX_STRING_BYTES ? buffer.latin1Slice(this.end, buffer.length) : null;
  }

  /** Advances to the next event; false after the last one. */
  next() {
    this.at += WORDS;
    if (this.at >= this.words.length) return false;
    this.start = this.end;
    for (let word = this.at + PARTS; word < this.at + WORDS; word += 1) this.end += this.words[word];
    return true;
  }

  get kind() {
    return this.words[this.at];
  }

  get isFinal() {
    return (this.words[this.at + 1] & FINAL) !== 0;
  }

  get isRaw() {
    return (this.words[this.at + 1] & RAW) !== 0;
  }

  /** Of a stored request: whether it has no timeout. */
  get isEndless() {
    return (this.words[this.at + 1] & NEVER) !== 0;
  }

  /** The origin of an error. */
  get origin() {
    const flags = this.words[this.at + 1];
    if (flags & FROM_BROKER) return 'broker';
    return flags & FROM_WORKER ? 'worker' : 'local';
  }

  get requestNumber() {
    return this.words[this.at + 2] + this.words[this.at + 3] * 0x1_0000_0000;
  }

  /**
   * Milliseconds until a stored request's timeout. They take the field of the request number.
   */
  get remaining() {
    return this.requestNumber;
  }

  value(at) {
    return this.words[this.at + 4 + at];
  }

  length(part) {
    return this.words[this.at + PARTS + part];
  }

  offset(part) {
    let offset = this.start;
    for (let word = this.at + PARTS; word < this.at + PARTS + part; word += 1) offset += this.words[word];
    return offset;
  }

  /** A part as a string with its own memory, which may be kept. */
  text(part) {
    const length = this.length(part);
    if (length === 0) return '';
    const from = this.offset(part);
    return this.isAscii ? this.buffer.latin1Slice(from, from + length) : this.buffer.utf8Slice(from, from + length);
  }

  /** A part that is parsed at once and not kept: a slice keeps the string of all events alive. */
  #slice(part) {
    if (this.ascii === null) return this.text(part);
    const from = this.offset(part) - this.base;
    return this.ascii.slice(from, from + this.length(part));
  }

  /** A copy of a part: a slice would keep the whole buffer alive. */
  bytes(part) {
    const from = this.offset(part);
    return Buffer.from(this.buffer.subarray(from, from + this.length(part)));
  }

  /** A part as a string, or as a copy of its bytes if it is not UTF-8. */
  textOrBytes(part) {
    if (this.isAscii) return this.text(part);
    const bytes = this.bytes(part);
    return isUtf8(bytes) ? bytes.toString() : bytes;
  }

  /**
   * A part as JSON. An empty part and `undefined`, which published peers send, are null. Throws a
   * SyntaxError.
   */
  json(part) {
    const text = this.#slice(part);
    return text === '' || text === 'undefined' ? null : JSON.parse(text);
  }

  /** The data of a request or reply. Throws a SyntaxError. */
  data() {
    return this.isRaw ? this.bytes(0) : this.json(0);
  }

  /** Options: always an object. */
  options(part = 1) {
    const length = this.length(part);
    if (length <= 2) return {};
    try {
      const options = this.json(part);
      return typeof options === 'object' && options !== null ? options : {};
    } catch {
      return {}; // published peers ignore invalid options
    }
  }
}

module.exports = { Events, Kind };
