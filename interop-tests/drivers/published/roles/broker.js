'use strict';

// The published broker. It ignores a failed bind, so this program checks the sockets.

const { Broker } = require('pigato');
const { say, sayError } = require('../say');

module.exports = function startBroker({ endpoint, intch, conf }, fail) {
  const broker = new Broker(endpoint, { ...(intch && { intch }), ...conf });

  broker.on('error', (error) => sayError(error));
  broker.on('start', () => {
    const bound = boundEndpoint(broker.socket);
    const published = boundEndpoint(broker.pub);
    if (!bound) return fail(`cannot bind ${endpoint}`);
    if (!published) return fail(`cannot bind ${broker.conf.intch}`);
    // unbind needs the endpoint to which a wildcard was resolved
    broker.endpoint = bound;
    broker.conf.intch = published;
    return say('ready', { endpoint: bound, intch: published });
  });
  broker.start();

  return {
    stop: () =>
      new Promise((resolve) => {
        broker.on('stop', resolve);
        broker.stop();
      }),
    ops: { state: ({ tag }) => say('state', { tag, ...stateOf(broker) }) },
  };
};

function boundEndpoint(socket) {
  return socket.getsockopt('last_endpoint');
}

function stateOf(broker) {
  const services = {};
  for (const [name, service] of Object.entries(broker.services)) {
    services[name] = { workers: [...service.workers.keys()], queued: service.q.length };
  }
  const workers = {};
  for (const [id, { opts, rids, liveness }] of broker.workers) {
    workers[id] = { concurrency: opts.concurrency, inFlight: rids.size, liveness };
  }
  return { services, workers, requests: broker.rmap.size };
}
