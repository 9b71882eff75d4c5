'use strict';

// The one place that writes to standard output: a JSON object a line, always with "event".

// Nobody listens any more: the test is gone.
process.stdout.on('error', () => process.exit(0));
process.stderr.on('error', () => {});

function say(event, fields) {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

// The published package emits strings such as ERR_REQ_INVALID as well as Error objects.
function sayError(error, fields) {
  say('error', { error: error instanceof Error ? String(error) : error, ...fields });
}

// Prints the life of a published client or worker. The first connect is what makes it usable.
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
