// Sends parts while the reply is active.
var PIGATO = require('pigato');

var worker = new PIGATO.Worker(process.argv[2], 'endless', { heartbeat: 100 });
worker.start();

worker.on('connect', function() {
  console.log('connected');
});

worker.on('request', function(data, reply) {
  var count = 0;
  var timer = setInterval(function() {
    if (!reply.active()) {
      clearInterval(timer);
      console.log('inactive');
      return;
    }
    reply.write(count++);
  }, 5);
});
