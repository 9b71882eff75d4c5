'use strict';

// The published directory service: a worker of "$dir" that learns the map from the broker's publisher.

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
    // The published directory asks for the map once, at its start, perhaps before it is subscribed.
    ops: { update: () => directory.wrk.heartbeat({ update: 1 }) },
  };
};
