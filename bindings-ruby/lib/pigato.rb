# frozen_string_literal: true

# Brokered request/reply over ZeroMQ: a client asks for a service by name, a broker queues the request and hands it to a
# worker with free capacity, the worker answers with any number of partial replies and a final one.
module Pigato
end

require "pigato/version"
require "pigato/constants"
require "pigato/errors"
require "pigato/pigato"
require "pigato/options"
require "pigato/codec"
require "pigato/mailbox"
require "pigato/waiter"
require "pigato/dispatcher"
require "pigato/log"
require "pigato/signals"
require "pigato/startable"
require "pigato/running"
require "pigato/pending_requests"
require "pigato/future"
require "pigato/client"
require "pigato/jobs"
require "pigato/request"
require "pigato/reply"
require "pigato/pool"
require "pigato/worker"
require "pigato/broker"
require "pigato/directory"
