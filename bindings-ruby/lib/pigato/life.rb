# frozen_string_literal: true

module Pigato
  # What clients, workers and brokers have in common: they are started and stopped, any number of times.
  # @private
  module Life
    # Whether it was started, here and not before a fork, and has not stopped.
    def started?
      life = @life
      !life.nil? && life.usable?
    end

    private

    def initialize_life
      @life = nil
      @lifecycle = Mutex.new
    end

    # Starts it unless it has been, here and not before a fork.
    def begin_life
      @lifecycle.synchronize { @life = yield unless started? }
      self
    end

    # What was started; `C_CLOSED` if nothing was.
    def life
      @life || raise(Error.of("C_CLOSED", "C_CLOSED: not started, or stopped already; `start` it first"))
    end

    # Takes what was started, so that it is stopped once; nil if there is nothing, or if it is not this process's.
    def end_life
      ended = @lifecycle.synchronize do
        life = @life
        @life = nil
        life
      end
      ended if ended&.usable?
    end
  end
  private_constant :Life
end
