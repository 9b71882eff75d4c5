'use strict';
// This package beside the published one on its own broker, and beside npm `nats` over a real server: three processes each,
// echo of a short string, in turn and in one run. The middle of the rounds is told.
// `node bench/compare.js NATS_SERVER [SHARE [ROUNDS]]`: NATS_SERVER is the program (`make bench-node` builds one), SHARE scales
// the number of requests.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { join } = require('node:path');
const { createInterface } = require('node:readline');

const PEER = join(__dirname, '../../interop-tests/drivers/published');
const [natsServer, share = 1, rounds = 3] = process.argv.slice(2).map((word, at) => (at === 0 ? word : Number(word)));
/** Requests and how many of them are under way at once; the last is what pigato-perf does. */
const LOADS = [[10_000, 1], [100_000, 100], [100_000, 1000], [50_000, 50_000]];
const BODY_BYTES = 5;

class Role {
  constructor(program, args, { env = {}, speaksOn = 'stdout' } = {}) {
    const pipe = (name) => (name === speaksOn ? 'pipe' : 'inherit');
    this.child = spawn(program, args, { stdio: ['pipe', pipe('stdout'), pipe('stderr')], env: { ...process.env, ...env } });
    this.lines = createInterface({ input: this.child[speaksOn] });
  }

  /** The next line; undefined if the process ends without one. */
  async line() {
    const [line] = await Promise.race([once(this.lines, 'line'), once(this.lines, 'close')]);
    return line;
  }

  /** What the first line that matches has in its first group. */
  async find(pattern) {
    for await (const line of this.lines) {
      const found = pattern.exec(line);
      if (found) return found[1];
    }
    throw new Error(`${this.child.spawnfile} ended without ${pattern}`);
  }

  async cpu() {
    const line = this.line();
    this.child.stdin.write('\n');
    return Number(await line);
  }

  async end() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill();
    await once(this.child, 'exit');
  }
}

const script = (name) => (args, env) => new Role(process.execPath, [join(__dirname, name), ...args], { env });
const pigato = script('bench.js');
const nats = script('nats.js');

/** How each is started: the broker, where it is, and the programs of worker and client. */
const CONTENDERS = {
  async PIGATO() {
    const broker = pigato(['broker']);
    return { broker, endpoint: await broker.line(), peer: pigato };
  },
  async published() {
    const broker = new Role(process.execPath, [join(PEER, 'peer.js'), 'broker', '--endpoint', 'tcp://127.0.0.1:*', '--intch', 'tcp://127.0.0.1:*']);
    const env = { PIGATO: join(PEER, 'node_modules/pigato') };
    return { broker, endpoint: JSON.parse(await broker.line()).endpoint, peer: (args) => pigato(args, env) };
  },
  async NATS() {
    const broker = new Role(natsServer, ['--addr', '127.0.0.1', '--port', '-1'], { speaksOn: 'stderr' });
    const address = await broker.find(/Listening for client connections on (\S+)/);
    broker.child.stderr.resume();
    return { broker, endpoint: `nats://${address}`, peer: nats };
  },
};

/** What one round gave; undefined if the client failed. */
async function measure(name, [requests, window]) {
  const { broker, endpoint, peer } = await CONTENDERS[name]();
  const worker = peer(['worker', endpoint]);
  await worker.line();
  const count = Math.max(window, Math.round(requests * share));
  const before = await worker.cpu();
  const client = peer(['client', endpoint, String(count), String(window), String(BODY_BYTES), '--callbacks']);
  const line = await client.line();
  const workerCpu = line === undefined ? NaN : ((await worker.cpu()) - before) / count;
  await Promise.all([client.end(), worker.end(), broker.end()]);
  return line === undefined ? undefined : { ...JSON.parse(line), workerCpu };
}

/** The round in the middle by requests/s. */
function middle(results) {
  const finished = results.filter((result) => result !== undefined);
  finished.sort((a, b) => a.requestsPerSecond - b.requestsPerSecond);
  return finished[Math.floor(finished.length / 2)];
}

function row(window, name, result, ours) {
  if (result === undefined) return `| ${window} | ${name} | failed | | | | | |`;
  const { requestsPerSecond, cpuMicrosecondsPerRequest, workerCpu, latencyMicroseconds: { p50, p99 } } = result;
  const ratio = ours === undefined ? '' : (ours.requestsPerSecond / requestsPerSecond).toFixed(2);
  return `| ${window} | ${name} | ${requestsPerSecond} | ${ratio} | ${p50} | ${p99} | ${cpuMicrosecondsPerRequest.toFixed(1)} | ${workerCpu.toFixed(1)} |`;
}

async function main() {
  console.log('| at once | package | requests/s | PIGATO : it | p50 µs | p99 µs | client CPU µs/request | worker CPU µs/request |');
  console.log('|---|---|---|---|---|---|---|---|');
  for (const load of LOADS) {
    const results = Object.fromEntries(Object.keys(CONTENDERS).map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const name of Object.keys(results)) results[name].push(await measure(name, load));
    }
    const ours = middle(results.PIGATO);
    for (const [name, all] of Object.entries(results)) console.log(row(load[1], name, middle(all), ours));
  }
}

main();
