# frozen_string_literal: true

module Pigato
  # The gem's version: that of the core, as RubyGems writes it.
  VERSION = "1.0.0.alpha.1"
end
