var PIGATO = require('pigato');

var broker = new PIGATO.Broker(process.argv[2], { intch: process.argv[3] });
broker.conf.onStart = function() {
  console.log('broker started');
};
broker.start();
