# frozen_string_literal: true

require "json"

module Pigato
  # Encodes and decodes data: JSON, or bytes unchanged.
  # @private
  module Codec
    EMPTY = "".b.freeze

    module_function

    def encode(value, raw)
      return generate(value) unless raw
      return EMPTY if value.nil?
      return value if value.is_a?(String)

      raise Error.of("E_DATA", "E_DATA: with `raw: true` data is a String, not #{value.class}")
    end

    def generate(value)
      JSON.generate(value)
    rescue JSON::GeneratorError, JSON::NestingError, EncodingError => error
      raise Error.of("E_DATA", "E_DATA: #{error.message}")
    end

    # @param codec [Symbol] `:json` or `:raw`
    def decode(codec, data, symbolize_names)
      return data if codec == :raw
      # Published peers send these for nil.
      return nil if data.nil? || data.empty? || data == "undefined"

      parse(data, symbolize_names)
    end

    def parse(data, symbolize_names)
      # Unlike `JSON.parse`, this allocates no option hashes.
      (symbolize_names ? JSON::Parser.new(data, symbolize_names: true) : JSON::Parser.new(data)).parse
    rescue JSON::ParserError, JSON::NestingError, EncodingError => error
      raise Error.of("E_DATA", "E_DATA: #{error.message}")
    end

    # The options of a message; empty unless they are a JSON object.
    def options(json)
      return {} if json.nil?

      parsed = JSON.parse(json)
      parsed.is_a?(Hash) ? parsed : {}
    rescue JSON::JSONError, EncodingError
      {} # The protocol ignores anything else.
    end

    # An error value, which need not be JSON.
    def lenient(data, symbolize_names)
      decode(:json, data, symbolize_names)
    rescue Error
      data
    end
  end
  private_constant :Codec
end
