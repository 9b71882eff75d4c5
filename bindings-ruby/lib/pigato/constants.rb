# frozen_string_literal: true

# Tags and types of the protocol under the published gem's names, for programs that build messages themselves. This
# library does not use them.
module Pigato
  C_CLIENT = "C"
  W_WORKER = "W"
  W_READY = "1"
  W_REQUEST = "2"
  W_REPLY = "3"
  W_HEARTBEAT = "4"
  W_DISCONNECT = "5"
  W_REPLY_PARTIAL = "6"
  W_REPLY_REJECT = "7"
end
