'use strict';
// The roles of core/benches/floor in Node: `bench.js broker`, `bench.js worker ENDPOINT`,
// `bench.js client ENDPOINT REQUESTS WINDOW BYTES [--callbacks]`. With PIGATO=path another package is measured, in its own way.

const path = process.env.PIGATO ?? '..';
const pigato = require(path);
const [role, endpoint, ...rest] = process.argv.slice(2);

/** Requests made before the clock starts, as a share of all. */
const WARM_UP = 20;
/** Ends a role's process, whatever happens to whoever started it. */
setTimeout(() => process.exit(3), 120_000).unref();

function worker() {
  const made = new pigato.Worker(endpoint, 'echo', { concurrency: -1 });
  made.on('connect', () => console.log('ready'));
  made.on('request', (data, reply) => reply.end(data));
  made.on('error', (error) => console.error(error));
  made.start();
  tellCpu();
}

/** CPU time so far, in microseconds, when asked for through standard input. */
function tellCpu() {
  process.stdin.on('data', () => {
    const { user, system } = process.cpuUsage();
    console.log(user + system);
  });
  process.stdin.on('end', () => process.exit(0));
}

async function broker() {
  const made = new pigato.Broker('tcp://127.0.0.1:*', { intch: null });
  await made.start();
  console.log(made.endpoints[0]);
  tellCpu();
}

function client() {
  const [requests, window, bytes] = rest.map(Number);
  const warmUp = Math.ceil(requests / WARM_UP);
  const body = 'x'.repeat(bytes);
  const made = new pigato.Client(endpoint);
  const total = requests + warmUp;
  const latencies = [];
  let [sent, answered, began, cpu] = [0, 0, 0n, null];
  made.on('error', (error) => console.error(error));
  made.start();
  const send = () => {
    sent += 1;
    const sentAt = process.hrtime.bigint();
    const done = (error) => {
      if (error) throw new Error(`a request failed: ${error}`);
      answered += 1;
      if (answered > warmUp) latencies.push(Number(process.hrtime.bigint() - sentAt) / 1000);
      if (answered === warmUp) {
        began = process.hrtime.bigint();
        cpu = process.cpuUsage();
      }
      if (answered === total) finish();
      else if (sent < total) send();
    };
    if (rest.includes('--callbacks')) made.request('echo', body, null, done);
    else made.call('echo', body).then(() => done(0), done);
  };
  const finish = () => {
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    const { user, system } = process.cpuUsage(cpu);
    latencies.sort((a, b) => a - b);
    const at = (share) => Math.round(latencies[Math.floor(latencies.length * share)]);
    console.log(JSON.stringify({
      requestsPerSecond: Math.round(requests / seconds),
      cpuMicrosecondsPerRequest: (user + system) / requests,
      latencyMicroseconds: { p50: at(0.5), p99: at(0.99) },
    }));
    process.exit(0);
  };
  for (let at = 0; at < Math.min(window, total); at += 1) send();
}

({ broker, worker, client })[role]();
