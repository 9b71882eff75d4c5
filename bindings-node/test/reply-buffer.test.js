'use strict';
// Unread replies are bounded, even if the worker knows no credit.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const native = require('../lib/native');
const { ReplyBuffer, limits } = require('../lib/reply-buffer');
const { Fleet, collect } = require('./fleet');
const { next, rawPeer } = require('./raw-peer');

/** Changes the limits for one test. */
function setLimits(t, changed) {
  const before = { ...limits };
  Object.assign(limits, changed);
  t.after(() => Object.assign(limits, before));
}

/**
 * A raw worker without credit, like a published one. All its partial replies have arrived when this
 * resolves.
 */
async function flooded(t, request, partials) {
  const fleet = await Fleet.for(t);
  const worker = rawPeer(t, fleet.endpoint, 'worker');
  await worker.send(['W', '1', 'flood']);
  const client = fleet.client();
  const result = request(client);
  const [, , id, , , rid] = await next(worker, 'W', '2');
  const send = (type, to, data) => worker.send(['W', type, id, '', to, '0', data, '{}']);
  for (const partial of partials) await send('6', rid, partial);
  // Replies arrive in order: when a later request is answered, all partial replies are there.
  const mark = client.call('flood', 'mark');
  await send('3', (await next(worker, 'W', '2'))[5], '"mark"');
  assert.equal(await mark, 'mark');
  return { result, end: () => send('3', rid, 'null') };
}

const numbers = (count) => Array.from({ length: count }, (_, at) => at);

/** Ways to read replies: `read` returns them all, and the error if there is one. */
const READERS = {
  'a Readable': {
    request(client) {
      const stream = client.request('flood', 1);
      stream.once('error', (error) => {
        stream.failure = error;
      });
      return stream;
    },
    read: async (stream) => ({ all: await collect(stream), error: stream.failure }),
  },
  'an iterable': {
    request: (client) => client.stream('flood', 1),
    async read(replies) {
      const all = [];
      try {
        for await (const reply of replies) all.push(reply);
      } catch (error) {
        return { all, error: error.code };
      }
      return { all, error: undefined };
    },
  },
};

for (const [name, { request, read }] of Object.entries(READERS)) {
  for (const [unit, changed] of [['partial replies', { partials: 100 }], ['bytes', { bytes: 200 }]]) {
    test(`${name} that nobody reads ends with C_BUSY at the limit of ${unit}, after the earlier replies`, async (t) => {
      setLimits(t, changed);
      const { result } = await flooded(t, request, numbers(400).map(String));
      const { all, error } = await read(result);
      assert.equal(error, 'C_BUSY');
      assert.ok(all.length >= 100 && all.length < 200, `${all.length} were buffered`);
      assert.deepEqual(all, numbers(all.length));
    });
  }

  test(`${name} within the limits keeps replies for its reader`, async (t) => {
    const { result, end } = await flooded(t, request, numbers(3000).map(String));
    await end();
    assert.deepEqual(await read(result), { all: numbers(3000), error: undefined });
  });

  test(`${name} may hold one partial reply of any size`, async (t) => {
    setLimits(t, { bytes: 1 });
    const large = 'x'.repeat(1000);
    const { result, end } = await flooded(t, request, [JSON.stringify(large)]);
    await end();
    assert.deepEqual(await read(result), { all: [large], error: undefined });
  });
}

test('the limits come from the core', () => {
  const { partials, bytes } = native.unreadLimits();
  assert.ok(partials >= 1024 && bytes > partials);
});

test('a buffer returns replies in order, and counts them', () => {
  const buffer = new ReplyBuffer();
  let taken = 0;
  for (let at = 0; at < 10_000; at += 1) {
    buffer.push(at, 1);
    if (at % 3 > 0) assert.equal(buffer.shift(), taken++);
  }
  assert.equal(buffer.length, 10_000 - taken);
  while (buffer.length > 0) assert.equal(buffer.shift(), taken++);
  assert.equal(taken, 10_000);
});
