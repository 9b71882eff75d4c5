'use strict';
// Started objects are not collected, even if the program does not refer to them.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const pigato = require('..');
const { Fleet } = require('./fleet');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const KINDS = {
  broker: () => new pigato.Broker('tcp://127.0.0.1:*', { intch: null }),
  worker: (broker) => new pigato.Worker(broker.endpoints[0], 'echo'),
  client: (broker) => new pigato.Client(broker.endpoints[0]),
  directory: (broker) => new pigato.services.Directory(broker.endpoints[0], { intch: broker.intch }),
};

for (const [kind, make] of Object.entries(KINDS)) {
  test(`a started ${kind} without references is not collected`, async (t) => {
    const { broker } = await Fleet.for(t, { intch: 'tcp://127.0.0.1:*' });
    const reference = new WeakRef(make(broker));
    await reference.deref().start();
    // A dereferenced WeakRef keeps its target until the end of this turn of the event loop.
    await new Promise(setImmediate);
    collectGarbage();
    const found = reference.deref();
    await found?.stop();
    assert.ok(found);
  });
}
