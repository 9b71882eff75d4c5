'use strict';
// What waits of a stream that nobody reads is bounded, although its worker knows of no credit.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const native = require('../lib/native');
const { Unread, most } = require('../lib/unread');
const { Fleet, collect } = require('./fleet');
const { next, playedPeer } = require('./played');

/** Sets other limits for one test. */
function limited(t, limits) {
  const before = { ...most };
  Object.assign(most, limits);
  t.after(() => Object.assign(most, before));
}

/** A worker without credit, as a published one is: it sends these partial replies, which have all arrived after this. */
async function flooded(t, request, partials) {
  const fleet = await Fleet.for(t);
  const worker = playedPeer(t, fleet.endpoint, 'worker');
  await worker.send(['W', '1', 'flood']);
  const client = fleet.client();
  const result = request(client);
  const [, , id, , , rid] = await next(worker, 'W', '2');
  const send = (type, to, data) => worker.send(['W', type, id, '', to, '0', data, '{}']);
  for (const partial of partials) await send('6', rid, partial);
  // Replies come in order: once a later request is answered, the flood is there.
  const mark = client.call('flood', 'mark');
  await send('3', (await next(worker, 'W', '2'))[5], '"mark"');
  assert.equal(await mark, 'mark');
  return { result, end: () => send('3', rid, 'null') };
}

const numbers = (count) => Array.from({ length: count }, (_, at) => at);

/** What may be done with replies: `read` gives them all, and the error, if one came. */
const WAYS = {
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

for (const [name, { request, read }] of Object.entries(WAYS)) {
  for (const [limit, limits] of [['partial replies', { partials: 100 }], ['bytes', { bytes: 200 }]]) {
    test(`${name} that nobody reads ends with C_BUSY at so many ${limit}, after those that came before`, async (t) => {
      limited(t, limits);
      const { result } = await flooded(t, request, numbers(400).map(String));
      const { all, error } = await read(result);
      assert.equal(error, 'C_BUSY');
      assert.ok(all.length >= 100 && all.length < 200, `${all.length} were kept`);
      assert.deepEqual(all, numbers(all.length));
    });
  }

  test(`${name} within the limits waits for its reader`, async (t) => {
    const { result, end } = await flooded(t, request, numbers(3000).map(String));
    await end();
    assert.deepEqual(await read(result), { all: numbers(3000), error: undefined });
  });

  test(`${name} may hold one partial reply of any size`, async (t) => {
    limited(t, { bytes: 1 });
    const large = 'x'.repeat(1000);
    const { result, end } = await flooded(t, request, [JSON.stringify(large)]);
    await end();
    assert.deepEqual(await read(result), { all: [large], error: undefined });
  });
}

test('the limits are those of the core', () => {
  const { partials, bytes } = native.unreadLimits();
  assert.ok(partials >= 1024 && bytes > partials);
});

test('a queue gives back in order what was put in, and counts', () => {
  const queue = new Unread();
  let taken = 0;
  for (let at = 0; at < 10_000; at += 1) {
    queue.push(at, 1);
    if (at % 3 > 0) assert.equal(queue.shift(), taken++);
  }
  assert.equal(queue.length, 10_000 - taken);
  while (queue.length > 0) assert.equal(queue.shift(), taken++);
  assert.equal(taken, 10_000);
});
