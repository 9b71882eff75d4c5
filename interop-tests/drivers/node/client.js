'use strict';

const { isDeepStrictEqual } = require('node:util');

const { Client } = require('../../../bindings-node');
const { say, sayLife, dataOf } = require('./say');

module.exports = async function startClient({ endpoint, conf }) {
  const client = new Client(endpoint, conf);
  const controllers = new Map();
  const held = new Map();
  sayLife(client);
  await client.start();

  function request(line) {
    const { tag, service, opts = {} } = line;
    const data = line.bytes === undefined ? line.data : Buffer.from(line.bytes, 'hex');
    if (line.hold || line.cancellable) {
      const controller = new AbortController();
      controllers.set(tag, controller);
      const replies = client.stream(service, data, { ...opts, signal: controller.signal });
      if (line.hold) held.set(tag, () => read(tag, replies));
      else read(tag, replies);
      return;
    }
    client.request(
      service,
      data,
      (error, partial) => say('partial', { tag, error, ...dataOf(partial) }),
      (error, final) => say('final', { tag, error: error ?? 0, ...dataOf(final) }),
      opts,
    );
  }

  function flood({ tag, service, count, opts }) {
    const calls = Array.from({ length: count }, (_, number) => client.call(service, number, { ...opts }));
    Promise.allSettled(calls).then((settled) => {
      const wrong = settled.filter(({ value }, number) => !isDeepStrictEqual(value, number));
      const first = wrong.length > 0 ? (wrong[0].reason?.code ?? 'another answer') : null;
      say('flooded', { tag, ok: count - wrong.length, failed: wrong.length, first_error: first });
    });
  }

  return {
    operations: {
      request,
      flood,
      cancel: ({ tag }) => controllers.get(tag).abort(),
      read: ({ tag }) => held.get(tag)(),
    },
    stop: () => client.stop(),
  };
};

/**
 * Prints the replies. An iterator does not mark the last reply, so each is printed when the next one
 * arrives.
 */
async function read(tag, replies) {
  let last = { data: null };
  try {
    let { value, done } = await replies.next();
    while (!done) {
      last = dataOf(value);
      ({ value, done } = await replies.next());
      if (!done) say('partial', { tag, error: 0, ...last });
    }
    say('final', { tag, error: 0, ...last });
  } catch (error) {
    say('final', { tag, error: 'value' in error ? error.value : error.code });
  }
}
