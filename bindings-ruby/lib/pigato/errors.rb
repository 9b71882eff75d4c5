# frozen_string_literal: true

module Pigato
  # The base of all errors. Codes that programs commonly handle have a subclass; all other codes are an Error.
  class Error < StandardError
    # @return [String, nil] the code, the same in all languages, such as `C_TIMEOUT`; nil for an error value that a service
    #   chose itself
    attr_reader :code
    # @return [Symbol] its origin: `:local`, `:worker` or `:broker`
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

    # The error for one of the core's codes.
    # @param code [String]
    # @param message [String] for people; by default the core's message for the code
    # @return [Error]
    def self.of(code, message = "#{code}: #{Native.error_codes[code]}", **details)
      CLASSES.fetch(code, Error).new(message, code: code, **details)
    end
  end

  # No reply within the request's timeout.
  class TimeoutError < Error; end
  # The worker answered with an error value: {Error#value}.
  class RemoteError < Error; end
  # The worker was lost, and the request may not run again or was retried too often.
  class WorkerLostError < Error; end
  # No worker accepted the request.
  class NoWorkerError < Error; end
  # The request was cancelled.
  class CancelledError < Error; end
  # Stopped, not started, or already ended.
  class ClosedError < Error; end
  # Started before a fork and used in the child.
  class ForkError < Error; end
  # A message violates the protocol, or its body is not valid JSON.
  class ProtocolError < Error; end
  # The connection to the broker was lost while the request was in flight.
  class DisconnectedError < Error; end

  class Error
    # The class of each code that has one.
    CLASSES = {
      "C_TIMEOUT" => TimeoutError, "C_CANCELLED" => CancelledError, "C_CLOSED" => ClosedError,
      "C_DISCONNECTED" => DisconnectedError, "B_WORKER_LOST" => WorkerLostError, "B_NO_WORKER" => NoWorkerError,
      "B_REJECTED" => NoWorkerError, "B_BAD_REQUEST" => ProtocolError, "E_DATA" => ProtocolError, "E_FORK" => ForkError
    }.freeze
    private_constant :CLASSES
  end
end
