# frozen_string_literal: true

module Pigato
  # A pending request. It needs no thread: a wait for any request of the client processes the replies to all.
  class Future
    # @private
    def initialize(call, outcome)
      @call = call
      @outcome = outcome
    end

    # Waits for the final reply.
    # @param timeout [Numeric, nil] seconds; nil for as long as the request takes
    # @return [Object, nil] its value; nil if it has not arrived in time, see {#done?}
    # @raise [Error] the error that the request failed with
    def value(timeout = nil)
      event = @call.take(Dispatcher.deadline(timeout))
      event && @outcome.call(event)
    end

    # Waits until the request has ended with a reply or an error.
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

    # Ends the request with {CancelledError} and notifies its worker. Does nothing if it has ended.
    # @return [void]
    def cancel
      @call.cancel
    end
  end
end
