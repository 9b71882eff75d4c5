'use strict';
// A file as partial replies: `stocks.js worker [ADDRESS]`, `stocks.js client [ADDRESS]`. Needs
// broker.js.

const { createReadStream } = require('node:fs');
const { join } = require('node:path');
const { Client, Worker } = require('pigato');

const [role, address = 'tcp://127.0.0.1:55555'] = process.argv.slice(2);

function worker() {
  const stock = new Worker(address, 'stock');
  stock.on('connect', () => console.log('stock is offered'));
  stock.on('request', (_, reply) => createReadStream(join(__dirname, 'stocks.csv'), 'utf8').pipe(reply));
  stock.start();
}

function client() {
  const stocks = new Client(address);
  stocks.start();
  stocks.request('stock', { ticker: 'AAPL' }).pipe(process.stdout);
}

({ worker, client })[role]();
