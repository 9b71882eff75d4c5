// A stream request, then a callback request.
var Client = require('pigato').Client;

var client = new Client(process.argv[2]);
client.start();

client.on('error', function(e) {
  console.log('ERROR', e);
});

client.request('echo', 'foo-stream', { timeout: 10000 })
.on('data', function(data) {
  console.log('DATA', data);
})
.on('end', function() {
  console.log('END');
  client.request(
    'echo', { foo: ['callback', null, 'grün'] },
    function(err, data) {
      console.log('PARTIAL', err, data);
    },
    function(err, data) {
      console.log('FINAL', err, JSON.stringify(data));
      client.stop();
    }, { timeout: 10000 }
  );
});
