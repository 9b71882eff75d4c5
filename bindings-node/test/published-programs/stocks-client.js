var Client = require('pigato').Client;

var client = new Client(process.argv[2], { autostart: true });

var stocks = client.request('stock', process.argv[3], { timeout: 90000 });
stocks.pipe(process.stdout);
stocks.on('end', function() {
  client.stop();
});
