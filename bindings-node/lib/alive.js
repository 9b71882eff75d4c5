'use strict';
// Keeps the process alive while something is open that should.

let holders = 0;
let timer;

/** From now on the process stays alive until `release` was called as often as this. */
function hold() {
  holders += 1;
  if (timer === undefined) timer = setInterval(() => {}, 0x7fff_ffff);
  else if (holders === 1) timer.ref();
}

function release() {
  holders -= 1;
  if (holders === 0) timer.unref();
}

module.exports = { hold, release };
