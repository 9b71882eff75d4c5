# frozen_string_literal: true

# Runs every test, or with PIGATO_GC_STRESS those that are marked for it.
Dir[File.join(__dir__, "*_test.rb")].sort.each { |file| require file }
