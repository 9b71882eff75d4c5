var PIGATO = require('pigato');

var worker = new PIGATO.Worker(process.argv[2], 'my-service');
worker.start();

worker.on('connect', function() {
  console.log('connected');
});

worker.on('request', function(data, reply, copts) {
  for (var i = 0; i < 1000; i++) {
    reply.write('PARTIAL DATA ' + i);
  }
  if (data === 'fail') {
    reply.error('FAILED ' + copts.reason);
    return;
  }
  reply.end('FINAL DATA');
  if (!reply.ended || reply.active()) console.log('not ended');
});
