'use strict';
// The published broker with a controller that prints each of its calls as a line of JSON.

const { createRequire } = require('node:module');
const { join } = require('node:path');

const { Broker } = createRequire(join(__dirname, '../../interop-tests/drivers/published/package.json'))('pigato');

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const ctrl = {
  rset: (req) => say({ event: 'call', call: ['rset', req] }),
  rdel: (req) => say({ event: 'call', call: ['rdel', req] }),
  rgetall: (callback) => callback(null, []),
};

const broker = new Broker('tcp://127.0.0.1:*', { intch: 'tcp://127.0.0.1:*', ctrl });
broker.on('start', () => say({ event: 'ready', endpoint: broker.socket.getsockopt('last_endpoint') }));
broker.start();
