'use strict';
// Compares this package with the published package (on its own broker), with npm `nats` (on a NATS
// server), and with a baseline of plain libzmq without Node.js. Each contender runs in three
// processes and echoes a short string. The contenders take turns; the table contains the median
// round. `make bench-node` builds the required programs and runs this.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { parseArgs } = require('node:util');

const HELP = `node bench/compare.js --nats-server FILE --floor FILE [--share F] [--rounds N]

  --nats-server FILE  the program nats-server
  --floor FILE        the baseline, built by \`cargo bench --bench floor\`
  --share F           multiplies the number of requests (default 1)
  --rounds N          rounds of each contender, of which the median is printed (default 3)
`;
const PEER = join(__dirname, '../../interop-tests/drivers/published');
/** [requests, concurrent requests]. The last one is the load of pigato-perf. */
const LOADS = [[10_000, 1], [100_000, 100], [100_000, 1000], [50_000, 50_000]];
const BODY_BYTES = 5;
/** Linux counts CPU time in units of 10 ms. */
const MICROSECONDS_PER_TICK = 10_000;

const { values } = parseArgs({
  options: {
    'nats-server': { type: 'string' },
    floor: { type: 'string' },
    share: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help || !values.floor || !values['nats-server']) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}
const [share, rounds] = [Number(values.share), Number(values.rounds)];

class Role {
  constructor(program, args, { env = {}, output = 'stdout' } = {}) {
    const pipe = (name) => (name === output ? 'pipe' : 'inherit');
    this.child = spawn(program, args, { stdio: ['pipe', pipe('stdout'), pipe('stderr')], env: { ...process.env, ...env } });
    this.lines = createInterface({ input: this.child[output] });
  }

  /** The next line; undefined if the process ends without one. */
  async line() {
    const [line] = await Promise.race([once(this.lines, 'line'), once(this.lines, 'close')]);
    return line;
  }

  /** The first group of the first line that matches. */
  async find(pattern) {
    for await (const line of this.lines) {
      const found = pattern.exec(line);
      if (found) return found[1];
    }
    throw new Error(`${this.child.spawnfile} ended without a line that matches ${pattern}`);
  }

  /** CPU time so far, in microseconds. */
  cpu() {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ').pop().split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK;
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
const floor = ([role, ...args]) => new Role(values.floor, [`floor-${role}`, ...args]);

/** Starts a broker. Returns it with its address and a function that starts workers and clients. */
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
    const broker = new Role(values['nats-server'], ['--addr', '127.0.0.1', '--port', '-1'], { output: 'stderr' });
    const address = await broker.find(/Listening for client connections on (\S+)/);
    broker.child.stderr.resume();
    return { broker, endpoint: `nats://${address}`, peer: nats };
  },
  async libzmq() {
    const broker = floor(['broker']);
    return { broker, endpoint: await broker.line(), peer: floor };
  },
};

/** The result of one round; undefined if the client failed. */
async function measure(name, [requests, window]) {
  const { broker, endpoint, peer } = await CONTENDERS[name]();
  const worker = peer(['worker', endpoint]);
  await worker.line();
  const count = Math.max(window, Math.round(requests * share));
  const before = [broker.cpu(), worker.cpu()];
  const words = [endpoint, String(count), String(window), String(BODY_BYTES)];
  const client = peer(['client', ...words, ...(peer === floor ? [] : ['--callbacks'])]);
  const line = await client.line();
  const [brokerCpu, workerCpu] = [broker.cpu() - before[0], worker.cpu() - before[1]].map((cpu) => cpu / count);
  await Promise.all([client.end(), worker.end(), broker.end()]);
  return line === undefined ? undefined : { ...figures(JSON.parse(line)), brokerCpu, workerCpu };
}

/** The same names for the figures of clients in Node.js and of the baseline. */
function figures(printed) {
  return {
    requestsPerSecond: printed.requestsPerSecond ?? printed.requests_per_second,
    p50: printed.latencyMicroseconds?.p50 ?? printed.p50_microseconds,
    p99: printed.latencyMicroseconds?.p99 ?? printed.p99_microseconds,
    clientCpu: printed.cpuMicrosecondsPerRequest,
  };
}

/** The median round by requests/s. */
function median(results) {
  const finished = results.filter((result) => result !== undefined);
  finished.sort((a, b) => a.requestsPerSecond - b.requestsPerSecond);
  return finished[Math.floor(finished.length / 2)];
}

function row(window, name, result, ours) {
  if (result === undefined) return `| ${window} | ${name} | failed | | | | | | |`;
  const { requestsPerSecond, p50, p99, brokerCpu, workerCpu, clientCpu } = result;
  const ratio = ours === undefined ? '' : (ours.requestsPerSecond / requestsPerSecond).toFixed(2);
  const cells = [window, name, Math.round(requestsPerSecond), ratio, Math.round(p50), Math.round(p99)];
  return `| ${[...cells, ...[brokerCpu, workerCpu, clientCpu].map((cpu) => cpu?.toFixed(1) ?? '')].join(' | ')} |`;
}

async function main() {
  console.log('| concurrent | package | requests/s | PIGATO : it | p50 µs | p99 µs | CPU µs per request: broker | worker | client |');
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const load of LOADS) {
    const results = Object.fromEntries(Object.keys(CONTENDERS).map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const name of Object.keys(results)) results[name].push(await measure(name, load));
    }
    const ours = median(results.PIGATO);
    for (const [name, all] of Object.entries(results)) console.log(row(load[1], name, median(all), ours));
  }
}

main();
