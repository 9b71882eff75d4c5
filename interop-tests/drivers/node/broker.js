'use strict';

const { Broker } = require('../../../bindings-node');
const { say } = require('./say');

module.exports = async function startBroker({ endpoint, conf }) {
  const broker = new Broker(endpoint, conf);
  for (const name of ['workerJoined', 'workerLeft', 'clientLeft', 'protocolError']) broker.on(name, () => say(name));
  await broker.start();
  say('ready', { endpoint: broker.endpoints[0], intch: broker.intch });
  return {
    operations: {
      statistics: ({ tag }) => say('statistics', { tag, statistics: broker.statistics() }),
      drain: ({ ms }) => broker.stop({ drain: ms }).then(() => say('drained')),
    },
    stop: () => broker.stop(),
  };
};
