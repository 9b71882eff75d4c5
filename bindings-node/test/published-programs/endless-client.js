// Reads N parts of an endless stream and sends heartbeats for it; then stops the client, or only
// sends no more heartbeats until the test ends the process.
var PIGATO = require('pigato');

var client = new PIGATO.Client(process.argv[2], { heartbeat: 100 });
client.start();

var wanted = Number(process.argv[3]);
var stream = client.request('endless', 'foo', { timeout: -1 });
stream.on('error', function() {});

var heartbeats = setInterval(function() {
  stream.heartbeat();
}, 50);

stream.on('data', function(part) {
  if (part !== wanted - 1) return;
  clearInterval(heartbeats);
  console.log('read', part + 1);
  if (process.argv[4] === 'stop') client.stop();
});
