// Raises its concurrency from 1 to 2 and then answers 2 concurrent requests together.
var PIGATO = require('pigato');

var worker = new PIGATO.Worker(process.argv[2], 'pair', { concurrency: 1, heartbeat: 100 });
worker.start();

var held = [];
var most = 0;

worker.on('connect', function() {
  console.log('connected');
});

worker.on('request', function(data, reply) {
  held.push(reply);
  most = Math.max(most, held.length);
  worker.conf.concurrency = 2;
  if (held.length < 2) return;
  held.splice(0).forEach(function(other) {
    other.end(most + ' at once');
  });
});
