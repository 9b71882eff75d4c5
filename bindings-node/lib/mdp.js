'use strict';
// Tags and message types of the protocol, for programs that build messages themselves and for `msg`
// of stored requests.

module.exports = Object.freeze({
  WORKER: 'W',
  CLIENT: 'C',
  W_READY: '1',
  W_REQUEST: '2',
  W_REPLY: '3',
  W_HEARTBEAT: '4',
  W_DISCONNECT: '5',
  W_REPLY_PARTIAL: '6',
  W_REPLY_REJECT: '7',
});
