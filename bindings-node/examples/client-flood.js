'use strict';
// 100,000 concurrent requests to the echo service: `client-flood.js [ADDRESS] [REQUESTS]`. Needs
// broker.js and `echo.js worker`.

const { Client } = require('pigato');

const [address = 'tcp://127.0.0.1:55555', count = '100000'] = process.argv.slice(2);
const client = new Client(address);
client.start();

const began = Date.now();
const requests = Array.from({ length: Number(count) }, () => client.call('echo', 'foo', { timeout: 30_000 }));
Promise.all(requests).then(() => console.log(`${count} requests answered in ${Date.now() - began} ms`));
