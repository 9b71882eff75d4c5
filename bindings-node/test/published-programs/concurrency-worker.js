// One request at a time at first, then two; it answers those that it has at the same time.
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
