# frozen_string_literal: true

module Pigato
  # A request that is under way. It needs no thread: whoever waits for any request of its client drives all of them.
  class Future
    # @private
    def initialize(call, outcome)
      @call = call
      @outcome = outcome
    end

    # Waits for the final reply.
    # @param timeout [Numeric, nil] seconds; nil for as long as the request takes
    # @return [Object, nil] its value; nil if it has not come in time, so see {#done?}
    # @raise [Error] what the request failed with
    def value(timeout = nil)
      event = @call.take(Dispatcher.deadline(timeout))
      event && @outcome.call(event)
    end

    # Waits until the request has ended, however.
    # @param timeout [Numeric, nil] seconds; nil for as long as the request takes
    # @return [Boolean] whether it has ended
    def wait(timeout = nil)
      !@call.take(Dispatcher.deadline(timeout)).nil?
    rescue ClosedError
      true
    end

    # @return [Boolean] whether the request has ended; does not wait
    def done?
      wait(0)
    end

    # Ends the request with {CancelledError}, if it has not ended; its worker is told.
    # @return [void]
    def cancel
      @call.cancel
    end
  end
end
