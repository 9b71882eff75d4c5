# frozen_string_literal: true

module Pigato
  # Answers `$dir` in the broker's place, from what the broker publishes. A broker answers by itself where there is none.
  class Directory
    # @param endpoint [String] where the broker is
    # @param conf [Hash] `:intch`, where it publishes
    def initialize(endpoint, conf = {})
      @endpoint = endpoint
      @intch = conf[:intch] || Codec.parse(Native.default_options("broker"), true)[:intch]
      @directory = nil
    end

    # Does nothing if it is started.
    # @return [self]
    # @raise [Error] `E_ENDPOINT`
    def start
      @directory ||= Native::Directory.start(@endpoint, @intch)
      self
    end

    # Does nothing if it is not started.
    # @return [void]
    def stop
      @directory&.release
      @directory = nil
    end
  end
end
