'use strict';

// Binds addresses one after the other while messages keep coming, then ends.

const { createSocket } = require('zmq');

const ADDRESS = 'tcp://127.0.0.1:*';
const TIMES = 50;

const receiver = createSocket('router');
const sender = createSocket('dealer');
let bound = 0;

function bindNext() {
  receiver.bind(ADDRESS, (error) => {
    if (error) throw error;
    bound += 1;
    if (bound === 1) sender.connect(receiver.getsockopt('last_endpoint'));
    if (bound === TIMES) process.exit(0);
    sender.send('next');
  });
  // Arrives before the bind is complete, or just after.
  if (bound > 0) sender.send('meanwhile');
}

receiver.on('message', (_, text) => {
  if (String(text) === 'next') bindNext();
});
bindNext();
