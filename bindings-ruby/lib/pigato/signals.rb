# frozen_string_literal: true

module Pigato
  # Lets INT and TERM stop workers and brokers; a second signal has its former effect.
  # @private
  module Signals
    NAMES = %w[INT TERM].freeze

    @running = []
    @former = {}
    @lock = Mutex.new

    class << self
      # Calls `stop`, which must take no lock, on a signal while the block runs.
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

      # Runs in a signal handler, where Ruby allows no lock.
      def caught(name)
        restore
        @running.each(&:call)
      end
    end
  end
  private_constant :Signals
end
