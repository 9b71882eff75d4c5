'use strict';
// The only place that writes to standard output: lines of JSON, always with "event".

// The runner has closed the pipe.
process.stdout.on('error', () => process.exit(0));

function say(event, fields) {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

/** Prints the connection events of a client or worker: `ready` the first time. */
function sayLife(peer) {
  let isReady = false;
  peer.on('connect', () => {
    say('connect');
    if (!isReady) say('ready');
    isReady = true;
  });
  peer.on('disconnect', () => say('disconnect'));
  peer.on('error', (error) => say('error', { error: error instanceof Error ? error.message : error }));
}

/** Formats a reply's data; bytes become hexadecimal digits. */
function dataOf(data) {
  return data instanceof Uint8Array ? { bytes: Buffer.from(data).toString('hex') } : { data };
}

module.exports = { say, sayLife, dataOf };
