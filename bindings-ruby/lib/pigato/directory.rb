# frozen_string_literal: true

module Pigato
  # Answers the service `$dir` for the broker, from the broker's publications. Without it the broker answers itself.
  class Directory
    # @param endpoint [String] the broker's endpoint
    # @param conf [Hash] `:intch`, the endpoint where the broker publishes
    def initialize(endpoint, conf = {})
      @endpoint = endpoint
      @intch = conf[:intch] || Codec.parse(Native.default_options("broker"), true)[:intch]
      @directory = nil
    end

    # Starts it. Does nothing if it is started.
    # @return [self]
    # @raise [Error] `E_ENDPOINT`
    def start
      @directory ||= Native::Directory.start(@endpoint, @intch)
      self
    end

    # Stops it. Does nothing if it is not started.
    # @return [void]
    def stop
      @directory&.release
      @directory = nil
    end
  end
end
