# frozen_string_literal: true

module Pigato
  # What one life of a client, worker or broker is: a native handle, and a dispatcher for its events.
  # @private
  module Running
    def stopped?
      @dispatcher.stopped?
    end

    # Whether it has not stopped, and was started here and not before a fork.
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

  # What lives on until what it has accepted is answered.
  # @private
  module Draining
    include Running

    # Begins the end. Takes no lock of Ruby's, so that a signal handler may do it.
    def begin_stop(drain_ms)
      @native.stop(drain_ms)
    rescue ClosedError
      nil # It has stopped.
    end
  end
  private_constant :Draining

  # Stops of what drains.
  # @private
  module Drained
    # Stops it. Does nothing if it is not started, or was before a fork. Other requests are refused meanwhile; what is not
    # answered by then goes to another worker, or fails.
    # @param drain [Numeric] seconds that requests under way have to be answered in
    # @return [void]
    def stop(drain: 0)
      ended = end_life
      return if ended.nil?

      ended.begin_stop(Options.milliseconds(drain))
      ended.wait_stopped
      nil
    end
  end
  private_constant :Drained
end
