# frozen_string_literal: true

module Pigato
  # What a worker is asked.
  class Request
    # @return [Object] the data; a binary String if the client sent bytes
    attr_reader :data
    # @return [String] the name that was asked for: with a wildcard's worker, not the name that it offers
    attr_reader :service
    # @return [String] the client's identity
    attr_reader :client
    # @return [String] what the client calls the request
    attr_reader :id
    # @return [Integer] 1 the first time that a worker is handed it, more after workers were lost with it
    attr_reader :attempt
    # @return [Float, nil] seconds that were left of its timeout; nil if that has no end or is not known
    attr_reader :remaining

    # @private
    def initialize(asked, symbolize_names)
      _kind, _token, codec, data, @options_json, @service, @client, @id, @attempt, @remaining = asked
      @is_raw = codec == :raw
      @data = Codec.decode(codec, data, symbolize_names)
    end

    # @return [Boolean] whether the client sent bytes
    def raw?
      @is_raw
    end

    # @return [Hash] the client's options, its own headers among them, by their names on the wire
    def options
      @options ||= Codec.options(@options_json)
    end
  end
end
