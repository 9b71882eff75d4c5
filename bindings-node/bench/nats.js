'use strict';
// The roles of bench.js over NATS: `nats.js worker URL`, `nats.js client URL REQUESTS WINDOW
// BYTES`. Bodies are JSON, as in PIGATO.

const { connect, JSONCodec } = require('nats');
const { run, untilLeft } = require('./load');

const [role, servers, ...rest] = process.argv.slice(2);
const codec = JSONCodec();
/** The same timeout as PIGATO's default. */
const options = { timeout: 60_000 };

async function worker() {
  const connection = await connect({ servers });
  connection.subscribe('echo', {
    queue: 'workers',
    callback(error, message) {
      if (error) throw error;
      message.respond(codec.encode(codec.decode(message.data)));
    },
  });
  await connection.flush();
  console.log('ready');
  untilLeft();
}

async function client() {
  const [requests, window, bytes] = rest.map(Number);
  const body = 'x'.repeat(bytes);
  const connection = await connect({ servers });
  run({ requests, window }, (done) => {
    connection.request('echo', codec.encode(body), options).then((reply) => {
      codec.decode(reply.data);
      done(0);
    }, done);
  });
}

({ worker, client })[role]();
