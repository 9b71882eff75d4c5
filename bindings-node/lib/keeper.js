'use strict';
// Hands requests with `persist` to a controller (`conf.ctrl`) and takes back what an earlier life left with it.

const { emitError } = require('./peer');
const { PigatoError } = require('./errors');
const { Packer } = require('./packer');
const { revived } = require('./codec');
const { CLIENT, W_REQUEST } = require('./mdp');

const METHODS = ['rset', 'rdel', 'rgetall'];

class Keeper {
  #broker;
  #ctrl;
  /** What the controller was given and has not been told to delete, by client and rid. */
  #kept = new Map();

  constructor(broker, ctrl) {
    const missing = METHODS.find((name) => typeof ctrl?.[name] !== 'function');
    if (missing) throw new PigatoError('E_OPTION', `E_OPTION: \`ctrl\` has no method \`${missing}\``);
    this.#broker = broker;
    this.#ctrl = ctrl;
  }

  /** Asks the controller for what it has, and gives it to the broker, which serves nobody before. */
  async restore(life) {
    const packer = new Packer();
    const restored = [];
    for (const req of await this.#stored()) {
      try {
        restored.push(pack(packer, req));
      } catch (error) {
        this.#unusable(error);
      }
    }
    for (const req of restored) this.#kept.set(keyOf(req.clientId, req.rid), req);
    const refused = life.call('restore', packer.take()) ?? [];
    for (const at of refused) {
      this.#kept.delete(keyOf(restored[at].clientId, restored[at].rid));
      this.#unusable();
    }
  }

  #unusable(cause) {
    emitError(this.#broker, new PigatoError('E_DATA', 'E_DATA: a stored request cannot be read', { cause }));
  }

  #stored() {
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

  /** A request has come, goes to a worker, or has another client than before. */
  stored(events) {
    const key = keyOf(events.text(0), events.textOrBytes(1));
    const { worker, extra } = rest(events);
    let req = this.#kept.get(key);
    if (req === undefined) {
      req = requestOf(events, extra);
      this.#kept.set(key, req);
    }
    req.attempts = events.number(0);
    if (worker === '') delete req.workerId;
    else req.workerId = worker;
    this.#tell('rset', req);
  }

  /** A request need not be kept any more. */
  removed(events) {
    const key = keyOf(events.text(0), events.textOrBytes(1));
    const req = this.#kept.get(key);
    if (req === undefined) return;
    this.#kept.delete(key);
    this.#tell('rdel', req);
  }

  #tell(method, req) {
    this.#call((error) => emitError(this.#broker, error), method, req);
  }

  /** Calls the controller; `failed` is told what it throws or, if it is asynchronous, rejects with. */
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

/** The worker that has the request, and the frames that followed its options. */
function rest(events) {
  const bytes = events.bytes(5);
  let at = events.number(1);
  const worker = bytes.toString('utf8', 0, at);
  const extra = [];
  while (at < bytes.length) {
    const end = at + 4 + bytes.readUInt32LE(at);
    extra.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return { worker, extra };
}

/** A request as controllers of the published broker know it. */
function requestOf(events, extra) {
  const clientId = events.text(0);
  const [rid, service, data, options] = [1, 2, 3, 4].map((part) => events.textOrBytes(part));
  return {
    service,
    clientId,
    attempts: 0,
    rid,
    timeout: events.isEndless ? -1 : events.token,
    ts: Date.now(),
    rejects: new Map(),
    msg: [clientId, CLIENT, W_REQUEST, service, rid, data, options, ...extra],
    opts: events.options(4),
  };
}

/** Writes what src/stored.rs reads. Returns the request as controllers are to see it from now on. */
function pack(packer, req) {
  const { clientId, service, rid, msg, opts, workerId, attempts, timeout, ts } = req;
  const extra = msg.slice(7).map(revived);
  const frames = [service, rid, msg[5] ?? '', msg[6] ?? JSON.stringify(opts ?? {})].map(revived);
  if (typeof clientId !== 'string' || ![...frames, ...extra].every(isFrame)) {
    throw new TypeError('clientId is a string; service, rid and the frames in msg are strings or bytes');
  }
  packer.bytes(clientId);
  frames.forEach((frame) => packer.bytes(frame));
  packer.bytes(typeof workerId === 'string' ? workerId : '');
  packer.token(extra.length);
  extra.forEach((frame) => packer.bytes(frame));
  packer.token(attempts > 0 ? attempts : 0);
  packer.token(timeout < 0 ? -1 : Math.max(0, timeout + ts - Date.now()));
  // Maps and Buffers do not outlive a store of JSON.
  return { ...req, service: frames[0], rid: frames[1], rejects: new Map() };
}

function isFrame(value) {
  return typeof value === 'string' || value instanceof Uint8Array;
}

module.exports = { Keeper };
