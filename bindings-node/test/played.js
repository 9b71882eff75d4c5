'use strict';
// Raw ZeroMQ sockets that play a peer, frame by frame.

const { Dealer, Router } = require('zeromq');
const { PATIENCE } = require('./fleet');

/** A socket that a test plays a peer with. */
function played(t, socket) {
  // Idle clients and played sockets keep no process alive.
  const alive = setInterval(() => {}, PATIENCE);
  t.after(() => {
    clearInterval(alive);
    socket.close();
  });
  socket.receiveTimeout = PATIENCE;
  socket.linger = 0;
  return socket;
}

async function playedBroker(t) {
  const router = played(t, new Router());
  await router.bind('tcp://127.0.0.1:*');
  return router;
}

function playedPeer(t, endpoint, routingId) {
  const dealer = played(t, new Dealer({ routingId }));
  dealer.connect(endpoint);
  return dealer;
}

const texts = (frames) => frames.map(String);

/** The next message of this type; others are passed over. */
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

module.exports = { errorOf, next, played, playedBroker, playedPeer, texts };
