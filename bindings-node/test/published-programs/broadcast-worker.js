// Two workers of one service, each of which replies with its name.
var PIGATO = require('pigato');

['first', 'second'].forEach(function(name) {
  var worker = new PIGATO.Worker(process.argv[2], 'broadcast', { prefix: name });
  worker.conf.onConnect = function() {
    console.log(name, 'connected');
  };
  worker.on('request', function(data, reply) {
    reply.end(name + ' got ' + data + (worker.socketId.indexOf(name + '-') === 0 ? '' : ' under a wrong id'));
  });
  worker.start();
});
