var fs = require('fs');
var Worker = require('pigato').Worker;

var worker = new Worker(process.argv[2], 'stock');
worker.start();

worker.on('connect', function() {
  console.log('connected');
});

worker.on('error', function(err) {
  console.log('WORKER ERROR', err);
});

worker.on('request', function(data, reply) {
  fs.createReadStream(data, { encoding: 'utf8', highWaterMark: 64 }).pipe(reply);
});
