'use strict';
// Worker and client of an echo service: `echo.js worker [ADDRESS]`, `echo.js client [ADDRESS]`.
// Needs broker.js.

const { Client, Worker } = require('pigato');

const [role, address = 'tcp://127.0.0.1:55555'] = process.argv.slice(2);

function worker() {
  const echo = new Worker(address, 'echo');
  echo.on('connect', () => console.log('echo is offered'));
  echo.handle(async (data) => data);
  echo.start();
}

async function client() {
  const echo = new Client(address);
  echo.start();
  console.log('promise:', await echo.call('echo', 'hello'));
  echo.request('echo', 'hello', null, (error, data) => console.log('callback:', error, data));
  echo.request('echo', 'hello').on('data', (data) => console.log('stream:', data));
}

({ worker, client })[role]();
