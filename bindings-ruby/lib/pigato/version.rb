# frozen_string_literal: true

module Pigato
  # The core's version in RubyGems notation.
  VERSION = "1.0.0.alpha.1"
end
