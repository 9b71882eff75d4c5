'use strict';
// Stores durable requests (option `persist`) with the controller `conf.ctrl`, and restores those of
// a previous run.

const { emitError } = require('./peer');
const { PigatoError } = require('./errors');
const { Packer } = require('./packer');
const { revived } = require('./codec');
const { CLIENT, W_REQUEST } = require('./mdp');

const METHODS = ['rset', 'rdel', 'rgetall'];

class Store {
  #broker;
  #ctrl;
  /** The requests that the controller has stored, by client and request id. */
  #requests = new Map();

  constructor(broker, ctrl) {
    const missing = METHODS.find((name) => typeof ctrl?.[name] !== 'function');
    if (missing) throw new PigatoError('E_OPTION', `E_OPTION: \`ctrl\` must have a method \`${missing}\``);
    this.#broker = broker;
    this.#ctrl = ctrl;
  }

  /**
   * Reads all requests from the controller and hands them to the broker, which serves no peer
   * before.
   */
  async restore(handle) {
    const packer = new Packer();
    const restored = [];
    for (const req of await this.#readAll()) {
      try {
        restored.push(pack(packer, req));
      } catch (error) {
        this.#reportInvalid(error);
      }
    }
    for (const req of restored) this.#requests.set(keyOf(req.clientId, req.rid), req);
    const refused = handle.call('restore', packer.take()) ?? [];
    for (const at of refused) {
      this.#requests.delete(keyOf(restored[at].clientId, restored[at].rid));
      this.#reportInvalid();
    }
  }

  #reportInvalid(cause) {
    const message = 'E_DATA: a stored request is invalid and was left in the store';
    emitError(this.#broker, new PigatoError('E_DATA', message, { cause }));
  }

  #readAll() {
    return new Promise((resolve) => {
      const failed = (error) => {
        emitError(this.#broker, error);
        resolve([]);
      };
      this.#call(failed, 'rgetall', (error, reqs) => {
        if (error) failed(error);
        else resolve(Object.values(reqs ?? {}));
      });
    });
  }

  /** Stores a request that is new, goes to a worker, or has a new client identity. */
  stored(events) {
    const key = keyOf(events.text(0), events.textOrBytes(1));
    const { worker, extra } = workerAndExtraFrames(events);
    let req = this.#requests.get(key);
    if (req === undefined) {
      req = requestOf(events, extra);
      this.#requests.set(key, req);
    }
    req.attempts = events.value(0);
    if (worker === '') delete req.workerId;
    else req.workerId = worker;
    this.#notify('rset', req);
  }

  /** Deletes a request that has ended. */
  removed(events) {
    const key = keyOf(events.text(0), events.textOrBytes(1));
    const req = this.#requests.get(key);
    if (req === undefined) return;
    this.#requests.delete(key);
    this.#notify('rdel', req);
  }

  #notify(method, req) {
    this.#call((error) => emitError(this.#broker, error), method, req);
  }

  /** Calls the controller. `failed` receives what it throws or rejects with. */
  #call(failed, method, value) {
    try {
      const result = this.#ctrl[method](value);
      if (typeof result?.then === 'function') result.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }
}

function keyOf(clientId, rid) {
  return `${clientId}\0${Buffer.from(rid).toString('latin1')}`;
}

/** The worker that has the request, and the frames after its options. */
function workerAndExtraFrames(events) {
  const bytes = events.bytes(5);
  let at = events.value(1);
  const worker = bytes.toString('utf8', 0, at);
  const extra = [];
  while (at < bytes.length) {
    const end = at + 4 + bytes.readUInt32LE(at);
    extra.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return { worker, extra };
}

/** A request in the form that the published broker hands to controllers. */
function requestOf(events, extra) {
  const clientId = events.text(0);
  const [rid, service, data, options] = [1, 2, 3, 4].map((part) => events.textOrBytes(part));
  return {
    service,
    clientId,
    attempts: 0,
    rid,
    timeout: events.isEndless ? -1 : events.remaining,
    ts: Date.now(),
    rejects: new Map(),
    msg: [clientId, CLIENT, W_REQUEST, service, rid, data, options, ...extra],
    opts: events.options(4),
  };
}

/**
 * Packs a request for src/stored.rs. Returns it in the form that controllers receive from now on.
 */
function pack(packer, req) {
  const { clientId, service, rid, msg, opts, workerId, attempts, timeout, ts } = req;
  const extra = msg.slice(7).map(revived);
  const frames = [service, rid, msg[5] ?? '', msg[6] ?? JSON.stringify(opts ?? {})].map(revived);
  if (typeof clientId !== 'string' || ![...frames, ...extra].every(isFrame)) {
    throw new TypeError('clientId must be a string; service, rid and the frames in msg must be strings or bytes');
  }
  packer.bytes(clientId);
  frames.forEach((frame) => packer.bytes(frame));
  packer.bytes(typeof workerId === 'string' ? workerId : '');
  packer.number(extra.length);
  extra.forEach((frame) => packer.bytes(frame));
  packer.number(attempts > 0 ? attempts : 0);
  packer.number(timeout < 0 ? -1 : Math.max(0, timeout + ts - Date.now()));
  // A controller that stores JSON has turned Maps and Buffers into plain objects.
  return { ...req, service: frames[0], rid: frames[1], rejects: new Map() };
}

function isFrame(value) {
  return typeof value === 'string' || value instanceof Uint8Array;
}

module.exports = { Store };
