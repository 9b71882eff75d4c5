'use strict';
// Tags and types of the protocol, for programs that speak it by hand, and for the messages that controllers are given.

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
