var PIGATO = require('pigato');

var csrv = new PIGATO.services.Directory(process.argv[2], { intch: process.argv[3] });
csrv.conf.onStart = function() {
  console.log('directory started');
};
csrv.start();
