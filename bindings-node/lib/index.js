'use strict';

const native = require('./native');
const { Broker } = require('./broker');
const { Client } = require('./client');
const { Directory } = require('./directory');
const { PigatoError } = require('./errors');
const { Worker } = require('./worker');

module.exports.Broker = Broker;
module.exports.Worker = Worker;
module.exports.Client = Client;
module.exports.services = { Directory };
module.exports.PigatoError = PigatoError;
module.exports.constants = require('./mdp');
module.exports.libzmqVersion = native.libzmqVersion();
