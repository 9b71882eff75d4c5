# frozen_string_literal: true

module Pigato
  # Lets INT and TERM stop whatever runs, once; the second signal does what it did before.
  # @private
  module Signals
    NAMES = %w[INT TERM].freeze

    @running = []
    @former = {}
    @lock = Mutex.new

    class << self
      # Has `stop`, which must take no lock, called on a signal while the block runs.
      def stopping(stop)
        add(stop)
        yield
      ensure
        remove(stop)
      end

      private

      def add(stop)
        @lock.synchronize do
          @running += [stop]
          NAMES.each { |name| @former[name] = trap(name) { caught(name) } } if @running.length == 1
        end
      end

      def remove(stop)
        @lock.synchronize do
          @running = @running.reject { |other| other.equal?(stop) }
          restore if @running.empty?
        end
      end

      def restore
        @former.each { |name, handler| trap(name, handler || "DEFAULT") }
        @former = {}
      end

      # Runs as a signal handler: no lock may be taken.
      def caught(name)
        restore
        @running.each(&:call)
      end
    end
  end
  private_constant :Signals
end
