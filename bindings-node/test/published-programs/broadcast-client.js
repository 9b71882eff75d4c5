// Asks the directory for the workers of a service, and then each of them by its id.
var PIGATO = require('pigato');

var client = new PIGATO.Client(process.argv[2]);
client.start();

function ask() {
  client.request('$dir', 'broadcast', undefined, function(err, workers) {
    if (workers.length < 2) {
      // A directory that subscribed late learns of the workers with the next change.
      var passing = new PIGATO.Worker(process.argv[2], 'passing');
      passing.on('connect', function() {
        passing.stop();
        setTimeout(ask, 10);
      });
      passing.start();
      return;
    }
    var answers = [];
    workers.forEach(function(wid) {
      client.request('broadcast', 'foo', { workerId: wid }).on('data', function(data) {
        answers.push(data);
      }).on('end', function() {
        if (answers.length < workers.length) return;
        console.log(answers.sort().join('\n'));
        client.stop();
      });
    });
  });
}

ask();
