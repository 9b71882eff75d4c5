// Requests the workers of a service from the directory, and then a reply from each of them by its
// id.
var PIGATO = require('pigato');

var client = new PIGATO.Client(process.argv[2]);
client.start();

function broadcast(workers) {
  var answers = [];
  var ended = 0;
  workers.forEach(function(wid) {
    client.request('broadcast', 'foo', { workerId: wid }).on('data', function(data) {
      answers.push(data);
    }).on('end', function() {
      ended++;
      if (ended < workers.length) return;
      console.log(answers.sort().join('\n'));
      client.stop();
    });
  });
}

// A directory that subscribed late receives the workers with the next change.
function change(next) {
  var passing = new PIGATO.Worker(process.argv[2], 'passing');
  passing.on('connect', function() {
    passing.stop();
    next();
  });
  passing.start();
}

function ask() {
  client.request('$dir', 'broadcast', undefined, function(err, workers) {
    if (workers.length < 2) change(ask);
    else broadcast(workers);
  });
}

ask();
