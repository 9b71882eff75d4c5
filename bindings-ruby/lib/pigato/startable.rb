# frozen_string_literal: true

module Pigato
  # Starting and stopping of clients, workers and brokers, any number of times.
  # @private
  module Startable
    # Whether it was started in this process and has not stopped.
    def started?
      running = @running
      !running.nil? && running.usable?
    end

    private

    def initialize_startable
      @running = nil
      @lifecycle = Mutex.new
    end

    # Starts the handle unless this process has started it.
    def start_once
      @lifecycle.synchronize { @running = yield unless started? }
      self
    end

    # The started object; raises `C_CLOSED` without one.
    def running
      @running || raise(Error.of("C_CLOSED", "C_CLOSED: not started, or stopped already; `start` it first"))
    end

    # Removes the started object, so that it is stopped once; nil without one, or if it is a parent process's.
    def take_running
      ended = @lifecycle.synchronize do
        running = @running
        @running = nil
        running
      end
      ended if ended&.usable?
    end
  end
  private_constant :Startable
end
