'use strict';
// A broker with workers and clients for one test, which stops them afterwards.

const { once } = require('node:events');
const pigato = require('..');

/** Milliseconds after which a missing event fails the test. */
const EVENT_TIMEOUT = 10_000;

class Fleet {
  #open = [];

  static async for(test, conf) {
    const fleet = new Fleet();
    test.after(() => fleet.stop());
    fleet.broker = fleet.keep(new pigato.Broker('tcp://127.0.0.1:*', { intch: null, ...conf }));
    await fleet.broker.start();
    [fleet.endpoint] = fleet.broker.endpoints;
    return fleet;
  }

  /** Stops this part after the test. */
  keep(part) {
    this.#open.unshift(part);
    return part;
  }

  worker(service, listener, conf) {
    const worker = this.keep(new pigato.Worker(this.endpoint, service, conf));
    if (listener) worker.on('request', listener);
    worker.start();
    return worker;
  }

  handler(service, handler, conf) {
    const worker = this.keep(new pigato.Worker(this.endpoint, service, conf));
    worker.handle(handler);
    worker.start();
    return worker;
  }

  client(conf) {
    const client = this.keep(new pigato.Client(this.endpoint, conf));
    client.start();
    return client;
  }

  async stop() {
    for (const part of this.#open) await part.stop();
  }
}

/** The arguments of the next event of that name; rejects if there is none in time. */
async function event(emitter, name) {
  const controller = new AbortController();
  // The timer keeps the process alive; an idle client does not.
  const timer = setTimeout(() => controller.abort(new Error(`no '${name}' event`)), EVENT_TIMEOUT);
  try {
    return await once(emitter, name, { signal: controller.signal });
  } finally {
    clearTimeout(timer);
  }
}

/** All values of a stream. */
function collect(stream) {
  return new Promise((resolve, reject) => {
    const all = [];
    stream.on('data', (data) => all.push(data));
    stream.on('end', () => resolve(all));
    stream.on('error', reject);
  });
}

/** Makes a request with callbacks; resolves with their arguments. */
function requested(client, service, data, options) {
  return new Promise((resolve) => {
    const partials = [];
    client.request(
      service,
      data,
      (error, partial) => partials.push([error, partial]),
      (error, final) => resolve({ error, final, partials }),
      options,
    );
  });
}

module.exports = { Fleet, collect, event, requested, EVENT_TIMEOUT };
