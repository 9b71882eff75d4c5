# frozen_string_literal: true

require "json"

module Pigato
  # Converts options for the core, which knows their names, values and defaults.
  # @private
  module Options
    NONE = [].freeze

    module_function

    # The core's options of a configuration as JSON. Names may be in snake case: `heartbeat_liveness`.
    def for_core(conf, own = NONE)
      return "" if conf.empty?

      wanted = conf.reject { |name, _| own.include?(name.to_sym) }
      return "" if wanted.empty?

      Codec.generate(wanted.transform_keys { |name| camelize(name.to_s) })
    end

    def camelize(name)
      name.gsub(/_([a-z])/) { Regexp.last_match(1).upcase }
    end

    # Seconds in the core's unit; -1 for no limit.
    def milliseconds(seconds)
      return -1 if seconds == Float::INFINITY

      seconds * 1000
    end
  end
  private_constant :Options
end
