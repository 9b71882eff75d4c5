'use strict';
// This package beside the published one, each with its own broker, in turn and in one run: three processes each, echo of
// a short string. `node bench/compare.js [SHARE]`, where SHARE scales the number of requests.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { join } = require('node:path');
const { createInterface } = require('node:readline');

const PEER = join(__dirname, '../../interop-tests/peers/pigato-js');
const share = Number(process.argv[2] ?? 1);
const LOADS = [[10_000, 1], [100_000, 100], [100_000, 1000], [50_000, 50_000]];

class Role {
  constructor(program, args, env = {}) {
    const stdio = ['pipe', 'pipe', 'inherit'];
    this.child = spawn(process.execPath, [program, ...args], { stdio, env: { ...process.env, ...env } });
    this.lines = createInterface({ input: this.child.stdout });
  }

  /** The next line; undefined if the process ends without one. */
  async line() {
    const [line] = await Promise.race([once(this.lines, 'line'), once(this.lines, 'close')]);
    return line;
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

const bench = (args, env) => new Role(join(__dirname, 'bench.js'), args, env);

const CONTENDERS = {
  async ours() {
    const broker = bench(['broker']);
    return { broker, endpoint: await broker.line(), env: {} };
  },
  async published() {
    const broker = new Role(join(PEER, 'peer.js'), ['broker', '--endpoint', 'tcp://127.0.0.1:*', '--intch', 'tcp://127.0.0.1:*']);
    return { broker, endpoint: JSON.parse(await broker.line()).endpoint, env: { PIGATO: join(PEER, 'node_modules/pigato') } };
  },
};

async function measure(name, [requests, window]) {
  const { broker, endpoint, env } = await CONTENDERS[name]();
  const worker = bench(['worker', endpoint], env);
  await worker.line();
  const count = Math.max(window, Math.round(requests * share));
  const before = await worker.cpu();
  const client = bench(['client', endpoint, String(count), String(window), '5', '--callbacks'], env);
  const line = await client.line();
  if (line === undefined) {
    await Promise.all([worker.end(), broker.end()]);
    return undefined;
  }
  const result = JSON.parse(line);
  const workerCpu = ((await worker.cpu()) - before) / count;
  await Promise.all([worker.end(), broker.end()]);
  return { ...result, workerCpu };
}

async function main() {
  for (const load of LOADS) {
    const results = {};
    for (const name of Object.keys(CONTENDERS)) results[name] = await measure(name, load);
    for (const [name, result] of Object.entries(results)) {
      if (result === undefined) {
        console.log(`window ${load[1]}, ${name}: failed`);
        continue;
      }
      const { requestsPerSecond, cpuMicrosecondsPerRequest, workerCpu, latencyMicroseconds } = result;
      console.log(
        `window ${load[1]}, ${name}: ${requestsPerSecond} requests/s, p50 ${latencyMicroseconds.p50} µs, ` +
          `p99 ${latencyMicroseconds.p99} µs, CPU client ${cpuMicrosecondsPerRequest.toFixed(1)} µs, worker ${workerCpu.toFixed(1)} µs a request`,
      );
    }
    if (results.ours && results.published) console.log(`  ratio ${(results.ours.requestsPerSecond / results.published.requestsPerSecond).toFixed(1)}`);
  }
}

main();
