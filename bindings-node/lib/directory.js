'use strict';

const native = require('./native');
const alive = require('./alive');
const { checked } = require('./errors');

/** What is started, which must not be collected although nothing else may refer to it. */
const open = new Set();

/** Answers `$dir` in the broker's place, from what the broker publishes at `conf.intch`. */
class Directory {
  #directory = null;

  constructor(endpoint, conf) {
    this.endpoint = endpoint;
    this.conf = { intch: JSON.parse(native.defaultOptions('broker')).intch, ...conf };
    this.service = native.directoryService();
  }

  start() {
    this.stop();
    this.#directory = checked(() => native.NativeDirectory.start(this.endpoint, this.conf.intch));
    open.add(this);
    alive.hold();
    this.conf.onStart?.();
  }

  stop() {
    if (this.#directory === null) return;
    this.#directory.stop();
    this.#directory = null;
    open.delete(this);
    alive.release();
    this.conf.onStop?.();
  }
}

module.exports = { Directory };
