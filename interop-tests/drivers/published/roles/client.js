'use strict';

// The published client: requests with partial replies, floods and heartbeats.

const { isDeepStrictEqual } = require('node:util');

const { Client } = require('pigato');
const { say, sayError, sayLife } = require('../say');

module.exports = function startClient({ endpoint, conf }) {
  const client = new Client(endpoint, conf);
  const ridOfTag = new Map();

  sayLife(client);
  client.start();

  function request({ tag, service, data, opts }) {
    client.request(
      service,
      data,
      (_error, partial) => say('partial', { tag, data: partial }),
      (error, final) => {
        ridOfTag.delete(tag);
        say('final', { tag, error, data: final });
      },
      opts,
    );
    ridOfTag.set(tag, [...client.reqs.keys()].pop());
  }

  function heartbeat({ tag }) {
    if (tag !== undefined && !ridOfTag.has(tag)) sayError(`no request in flight has the tag ${tag}`);
    else client.heartbeat(ridOfTag.get(tag));
  }

  return {
    async stop() {
      client.stop();
    },
    ops: {
      request,
      heartbeat,
      flood: (command) => flood(client, command),
      restart: () => client.start(),
    },
  };
};

// Sends all requests concurrently and prints a line when all are answered.
function flood(client, { tag, service, count, data, opts }) {
  const began = Date.now();
  let ok = 0;
  let failed = 0;
  let firstError = null;

  function settle(error, answer, expected) {
    const right = !error && isDeepStrictEqual(answer, expected);
    if (right) ok += 1;
    else failed += 1;
    if (!right && failed === 1) firstError = error || { expected, got: answer };
    if (ok + failed === count) finish();
  }

  function finish() {
    say('flooded', { tag, ok, failed, first_error: firstError, ms: Date.now() - began });
  }

  if (!(count > 0)) finish();
  for (let i = 0; i < count; i += 1) {
    const sent = data === undefined ? { do: 'echo', value: i } : data;
    const expected = sent && sent.do === 'echo' ? sent.value : sent;
    client.request(service, sent, null, (error, answer) => settle(error, answer, expected), { ...opts });
  }
}
