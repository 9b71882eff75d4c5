'use strict';
// Configuration that programs may change at any time: `conf` is a proxy that reports each change.

const native = require('./native');

/** The names of the core's options, by role. */
const names = new Map();

/**
 * A `conf` object: the core's defaults, overridden by `given`.
 * @param {string} role `broker`, `client` or `worker`
 * @param {object | undefined} given
 * @param {(name: string) => void} changed called after an option was set or deleted
 */
function liveConf(role, given, changed = () => {}) {
  const defaults = JSON.parse(native.defaultOptions(role));
  if (!names.has(role)) names.set(role, Object.keys(defaults));
  const conf = { ...defaults, ...given };
  return new Proxy(conf, {
    set(target, name, value) {
      target[name] = value;
      changed(String(name));
      return true;
    },
    deleteProperty(target, name) {
      delete target[name];
      changed(String(name));
      return true;
    },
  });
}

/** The core's options in `conf`, as JSON. */
function optionsOf(role, conf) {
  return pick(conf, names.get(role));
}

function pick(conf, wanted) {
  const options = {};
  for (const name of wanted) if (conf[name] !== undefined) options[name] = conf[name];
  return JSON.stringify(options);
}

module.exports = { liveConf, optionsOf, pick };
