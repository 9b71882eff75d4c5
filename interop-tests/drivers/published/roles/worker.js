'use strict';

// The published worker, with the behaviours that a request's data selects.

const { Worker } = require('pigato');
const { answer } = require('./behaviours');
const { say, sayLife } = require('../say');

// The published worker sends its disconnect message in stop() and closes in the next turn of the
// event loop.
const CLOSING_MS = 100;

module.exports = function startWorker({ endpoint, service, conf, verbose }) {
  const worker = new Worker(endpoint, service, conf);
  let rejecting = false;

  sayLife(worker);
  if (verbose) sayRequests(worker);
  worker.on('request', (data, reply, opts) => {
    if (rejecting) reply.reject('told to reject');
    else answer(data, reply, opts);
  });
  worker.start();

  return {
    stop() {
      worker.stop();
      return new Promise((resolve) => setTimeout(resolve, CLOSING_MS));
    },
    ops: {
      concurrency: ({ value }) => (worker.conf.concurrency = value),
      reject: ({ value }) => {
        rejecting = value !== false;
        say('told');
      },
      heartbeat: () => worker.heartbeat(),
      restart: () => worker.start(),
    },
  };
};

// The 'request' event lacks the request's id, so this listens one level below it.
function sayRequests(worker) {
  const onRequest = worker.onRequest;
  worker.onRequest = function (client, service, rid, data, opts) {
    say('request', { rid, client, service, data: tryJson(data), opts: tryJson(opts) });
    return onRequest.apply(this, arguments);
  };
}

function tryJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
