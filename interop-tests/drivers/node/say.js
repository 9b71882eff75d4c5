'use strict';
// The one place that writes to standard output: a JSON object a line, always with "event".

// Nobody listens any more: the runner is gone.
process.stdout.on('error', () => process.exit(0));

function say(event, fields) {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

/** Tells of a client's or worker's connection: `ready` the first time. */
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

/** A reply's data: bytes as hexadecimal digits. */
function dataOf(data) {
  return data instanceof Uint8Array ? { bytes: Buffer.from(data).toString('hex') } : { data };
}

module.exports = { say, sayLife, dataOf };
