'use strict';
// What the roles have in common, whatever package they measure: a client's loop over a window of requests, and an end.

/** Requests made before the clock starts, as a share of all. */
const WARM_UP = 20;

/** Ends a role's process, whatever happens to whoever started it. */
setTimeout(() => process.exit(3), 120_000).unref();

/** Lives until whoever started it closes its standard input, or ends. */
function untilLeft() {
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
}

/** Keeps `window` of `requests` under way until all are answered; `answered` takes each one's latency in microseconds. */
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

/** Measures what `send(done)`, which calls `done(error)` once it is answered, can do, and prints it. */
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
