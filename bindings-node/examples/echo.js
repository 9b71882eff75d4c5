'use strict';
// Worker and client of an echo service: `echo.js worker [ADDRESS]`, `echo.js client [ADDRESS]`.

const { Client, Worker } = require('pigato');

const [role, address = 'tcp://127.0.0.1:55555'] = process.argv.slice(2);

function worker() {
  const echo = new Worker(address, 'echo');
  echo.on('connect', () => console.log('echo is offered'));
  echo.handle(async (data) => data);
  echo.start();
}

async function client() {
  const asking = new Client(address);
  asking.start();
  console.log('promise:', await asking.call('echo', 'hello'));
  asking.request('echo', 'hello', null, (error, data) => console.log('callback:', error, data));
  asking.request('echo', 'hello').on('data', (data) => console.log('stream:', data));
}

({ worker, client })[role]();
