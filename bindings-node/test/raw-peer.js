'use strict';
// Raw ZeroMQ sockets with which a test acts as a peer, frame by frame.

const { Dealer, Router } = require('zeromq');
const { EVENT_TIMEOUT } = require('./fleet');

/** Prepares a socket that is closed after the test. */
function rawSocket(t, socket) {
  // Neither idle clients nor raw sockets keep the process alive.
  const timer = setInterval(() => {}, EVENT_TIMEOUT);
  t.after(() => {
    clearInterval(timer);
    socket.close();
  });
  socket.receiveTimeout = EVENT_TIMEOUT;
  socket.linger = 0;
  return socket;
}

async function rawBroker(t) {
  const router = rawSocket(t, new Router());
  await router.bind('tcp://127.0.0.1:*');
  return router;
}

function rawPeer(t, endpoint, routingId) {
  const dealer = rawSocket(t, new Dealer({ routingId }));
  dealer.connect(endpoint);
  return dealer;
}

const texts = (frames) => frames.map(String);

/** The next message of this type; others are skipped. */
async function next(socket, side, type) {
  for (;;) {
    const frames = texts(await socket.receive());
    const at = frames.indexOf(side);
    if (at >= 0 && frames[at + 1] === type) return frames;
  }
}

/** The next 'error' event's value. */
function errorOf(emitter) {
  return new Promise((resolve) => emitter.once('error', resolve));
}

module.exports = { errorOf, next, rawBroker, rawPeer, texts };
