var PIGATO = require('pigato');

var client = new PIGATO.Client(process.argv[2]);
client.start();

var answered = 0;
var timer = setInterval(function() {
  client.request('pair', 'foo', undefined, function(err, data) {
    answered++;
    if (answered > 4) return;
    console.log(err, data);
    if (answered === 4) {
      clearInterval(timer);
      process.exit(0);
    }
  });
}, 20);
