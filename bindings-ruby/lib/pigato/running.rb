# frozen_string_literal: true

module Pigato
  # A started client, worker or broker: a native handle, and a dispatcher for its events.
  # @private
  module Running
    def stopped?
      @dispatcher.stopped?
    end

    # Whether it was started in this process and has not stopped.
    def usable?
      return false if stopped?

      @native.refuse_fork
      true
    rescue ForkError
      false
    end

    def wait_stopped
      @dispatcher.wait_stopped
    end
  end
  private_constant :Running

  # A started worker or broker, which can answer what it has accepted before it stops.
  # @private
  module Drainable
    include Running

    # Begins to stop. Takes no Ruby lock, so that a signal handler may call it.
    def begin_stop(drain_ms)
      @native.stop(drain_ms)
    rescue ClosedError
      nil # It has stopped.
    end
  end
  private_constant :Drainable

  # `stop` of workers and brokers.
  # @private
  module DrainingStop
    # Stops it. Does nothing if it is not started, or was started before a fork. It refuses new requests meanwhile;
    # requests that are not answered in time go to another worker, or fail.
    # @param drain [Numeric] seconds for accepted requests to be answered
    # @return [void]
    def stop(drain: 0)
      ended = take_running
      return if ended.nil?

      ended.begin_stop(Options.milliseconds(drain))
      ended.wait_stopped
      nil
    end
  end
  private_constant :DrainingStop
end
