var PIGATO = require('pigato');

var client = new PIGATO.Client(process.argv[2]);
client.start();

function request(data, opts, next) {
  var partials = 0;
  client.request('my-service', data, function(err, part) {
    if (err !== null || part !== 'PARTIAL DATA ' + partials) console.log('UNEXPECTED', err, part);
    partials++;
  }, function(err, final) {
    console.log('FINAL', err, final, 'AFTER', partials);
    next();
  }, opts);
}

request('foo', { timeout: 30000 }, function() {
  request('fail', { timeout: 30000, reason: 'on purpose' }, function() {
    client.stop();
  });
});
