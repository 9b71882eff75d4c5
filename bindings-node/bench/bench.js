'use strict';
// The roles of core/benches/floor in Node: `bench.js broker`, `bench.js worker ENDPOINT`, `bench.js
// client ENDPOINT REQUESTS WINDOW BYTES [--callbacks]`. PIGATO=PATH measures another package.

const { run, untilLeft } = require('./load');
const pigato = require(process.env.PIGATO ?? '..');

const [role, endpoint, ...rest] = process.argv.slice(2);

async function broker() {
  const made = new pigato.Broker('tcp://127.0.0.1:*', { intch: null });
  await made.start();
  console.log(made.endpoints[0]);
  untilLeft();
}

function worker() {
  const made = new pigato.Worker(endpoint, 'echo', { concurrency: -1 });
  made.on('connect', () => console.log('ready'));
  made.on('request', (data, reply) => reply.end(data));
  made.on('error', (error) => console.error(error));
  made.start();
  untilLeft();
}

function client() {
  const [requests, window, bytes] = rest.map(Number);
  const body = 'x'.repeat(bytes);
  const made = new pigato.Client(endpoint);
  made.on('error', (error) => console.error(error));
  made.start();
  const send = rest.includes('--callbacks')
    ? (done) => made.request('echo', body, null, done)
    : (done) => made.call('echo', body).then(() => done(0), done);
  run({ requests, window }, send);
}

({ broker, worker, client })[role]();
