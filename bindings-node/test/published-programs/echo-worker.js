var Worker = require('pigato').Worker;

var worker = new Worker(process.argv[2], 'echo');
worker.start();

worker.on('error', function(e) {
  console.log('ERROR', e);
});

worker.on('connect', function() {
  console.log('connected');
});

worker.on('request', function(inp, rep) {
  rep.opts.cache = 10000;
  rep.end(inp);
});
