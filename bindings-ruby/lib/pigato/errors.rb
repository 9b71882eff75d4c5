# frozen_string_literal: true

module Pigato
  # What everything here fails with. Classes below it are for codes that programs tell apart; every other code is an Error.
  class Error < StandardError
    # @return [String, nil] the code, the same in all languages, such as `C_TIMEOUT`; nil for an error value that a service
    #   chose itself
    attr_reader :code
    # @return [Symbol] where it comes from: `:local`, `:worker` or `:broker`
    attr_reader :origin
    # @return [Object, nil] the error value that the service or the broker sent
    attr_reader :value
    # @return [Hash] the options that came with the error
    attr_reader :options

    # @param message [String, nil]
    def initialize(message = nil, code: nil, origin: :local, value: nil, options: {})
      super(message)
      @code = code
      @origin = origin
      @value = value
      @options = options
    end

    # The error for a code of the core's.
    # @param code [String]
    # @param message [String] for people; what the core says of the code if there is none
    # @return [Error]
    def self.of(code, message = "#{code}: #{Native.error_codes[code]}", **details)
      CLASSES.fetch(code, Error).new(message, code: code, **details)
    end
  end

  # No reply within the request's timeout.
  class TimeoutError < Error; end
  # The worker answered with an error value; {Error#value} has it.
  class RemoteError < Error; end
  # The worker was lost with the request, which may not run twice or did so too often.
  class WorkerLostError < Error; end
  # No worker takes the request, and it was not to wait for one.
  class NoWorkerError < Error; end
  # Nobody wants the reply any more.
  class CancelledError < Error; end
  # Stopped, not started, or ended already.
  class ClosedError < Error; end
  # Made before a fork and used in the child.
  class ForkError < Error; end
  # Something was sent that breaks the protocol, or is not the JSON that it claims to be.
  class ProtocolError < Error; end
  # The connection to the broker was lost while the request was in flight.
  class DisconnectedError < Error; end

  class Error
    # Which class stands for which code.
    CLASSES = {
      "C_TIMEOUT" => TimeoutError, "C_CANCELLED" => CancelledError, "C_CLOSED" => ClosedError,
      "C_DISCONNECTED" => DisconnectedError, "B_WORKER_LOST" => WorkerLostError, "B_NO_WORKER" => NoWorkerError,
      "B_REJECTED" => NoWorkerError, "B_BAD_REQUEST" => ProtocolError, "E_DATA" => ProtocolError, "E_FORK" => ForkError
    }.freeze
    private_constant :CLASSES
  end
end
