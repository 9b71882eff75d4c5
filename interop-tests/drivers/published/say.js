'use strict';

// The only place that writes to standard output: lines of JSON, always with "event".

// The test has closed the pipe.
process.stdout.on('error', () => process.exit(0));
process.stderr.on('error', () => {});

function say(event, fields) {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

// The published package emits strings such as ERR_REQ_INVALID as well as Error objects.
function sayError(error, fields) {
  say('error', { error: error instanceof Error ? String(error) : error, ...fields });
}

// Prints the connection events of a published client or worker. It is usable after the first
// `connect`.
function sayLife(peer) {
  let ready = false;
  peer.on('connect', () => {
    const id = peer.socketId;
    say('connect', { id });
    if (!ready) say('ready', { id });
    ready = true;
  });
  peer.on('disconnect', () => say('disconnect'));
  peer.on('error', (error) => sayError(error));
}

module.exports = { say, sayError, sayLife };
