'use strict';

// The published directory service: a worker of "$dir" that receives the map from the broker's
// publications.

const { services } = require('pigato');
const { say, sayLife } = require('../say');

const CLOSING_MS = 100;

module.exports = function startDirectory({ endpoint, intch }) {
  const directory = new services.Directory(endpoint, { intch });

  directory.start();
  sayLife(directory.wrk);
  directory.sub.on('message', () => say('map', { map: directory._dir }));

  return {
    stop() {
      directory.stop();
      return new Promise((resolve) => setTimeout(resolve, CLOSING_MS));
    },
    // The published directory requests the map once, when it starts, perhaps before its
    // subscription is active.
    ops: { update: () => directory.wrk.heartbeat({ update: 1 }) },
  };
};
