'use strict';
// Counts the open handles that have to keep the process alive.

let references = 0;
let timer;

/** Keeps the process alive until `unref` was called as often as `ref`. */
function ref() {
  references += 1;
  if (timer === undefined) timer = setInterval(() => {}, 0x7fff_ffff);
  else if (references === 1) timer.ref();
}

function unref() {
  references -= 1;
  if (references === 0) timer.unref();
}

module.exports = { ref, unref };
