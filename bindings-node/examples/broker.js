'use strict';
// A broker: `broker.js [ADDRESS]`, by default on tcp://127.0.0.1:55555. Ctrl-C finishes accepted
// requests for up to 2 s.

const { Broker } = require('pigato');

const broker = new Broker(process.argv[2], { intch: null });
broker.start().then(() => console.log(`broker at ${broker.endpoints.join(', ')}`));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => broker.stop({ drain: 2000 }));
