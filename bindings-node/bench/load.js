'use strict';
// Shared by the roles of all measured packages: a client's loop over a window of requests, and the
// end of a process.

/** One in this many requests is made before the clock starts. */
const WARM_UP = 20;

/** A role ends after 2 minutes at the latest, even if its parent has crashed. */
setTimeout(() => process.exit(3), 120_000).unref();

/** Runs until the parent process closes standard input or ends. */
function untilLeft() {
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
}

/**
 * Makes `requests` requests, `window` of them concurrently. Calls `answered` with each latency in
 * microseconds.
 */
function keep(requests, window, send, answered) {
  return new Promise((resolve) => {
    let [sent, done] = [0, 0];
    const next = () => {
      sent += 1;
      const sentAt = process.hrtime.bigint();
      send((error) => {
        if (error) throw new Error(`a request failed: ${error}`);
        answered(Number(process.hrtime.bigint() - sentAt) / 1000);
        done += 1;
        if (done === requests) resolve();
        else if (sent < requests) next();
      });
    };
    for (let at = 0; at < Math.min(window, requests); at += 1) next();
  });
}

/**
 * Measures `send(done)`, which makes a request and calls `done(error)` after its reply. Prints the
 * result as JSON.
 */
async function run({ requests, window }, send) {
  await keep(Math.ceil(requests / WARM_UP), window, send, () => {});
  const latencies = [];
  const cpu = process.cpuUsage();
  const began = process.hrtime.bigint();
  await keep(requests, window, send, (latency) => latencies.push(latency));
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (share) => Math.round(latencies[Math.floor(latencies.length * share)]);
  console.log(JSON.stringify({
    requestsPerSecond: Math.round(requests / seconds),
    cpuMicrosecondsPerRequest: (user + system) / requests,
    latencyMicroseconds: { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) },
  }));
  process.exit(0);
}

module.exports = { run, untilLeft };
