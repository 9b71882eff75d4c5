# frozen_string_literal: true

module Pigato
  # A request that a worker answers.
  class Request
    # @return [Object] the data; a binary String if the client sent bytes
    attr_reader :data
    # @return [String] the requested name: for a worker with a wildcard, not the worker's own name
    attr_reader :service
    # @return [String] the client's identity
    attr_reader :client
    # @return [String] the client's id of the request
    attr_reader :id
    # @return [Integer] 1 for the first delivery, more if earlier workers were lost
    attr_reader :attempt
    # @return [Float, nil] seconds left of its timeout at delivery; nil without a timeout or if it is not known
    attr_reader :remaining

    # @private
    def initialize(event, symbolize_names)
      _kind, _number, codec, data, @options_json, @service, @client, @id, @attempt, @remaining = event
      @is_raw = codec == :raw
      @data = Codec.decode(codec, data, symbolize_names)
    end

    # @return [Boolean] whether the client sent bytes
    def raw?
      @is_raw
    end

    # @return [Hash] the client's options and headers under their names on the wire
    def options
      @options ||= Codec.options(@options_json)
    end
  end
end
