'use strict';

const native = require('./native');
const { checked } = require('./errors');
const processRef = require('./process-ref');

/** All started directories, so that none is collected. */
const open = new Set();

/**
 * Serves `$dir` in place of the broker, from the directory that the broker publishes at
 * `conf.intch`.
 */
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
    processRef.ref();
    this.conf.onStart?.();
  }

  stop() {
    if (this.#directory === null) return;
    this.#directory.stop();
    this.#directory = null;
    open.delete(this);
    processRef.unref();
    this.conf.onStop?.();
  }
}

module.exports = { Directory };
