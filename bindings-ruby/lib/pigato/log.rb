# frozen_string_literal: true

module Pigato
  # What happens to a connection, for the user's logger. It is noted under a lock and told without.
  # @private
  class Log
    def initialize(logger, name)
      @logger = logger
      @name = name
      @noted = Thread::Queue.new
    end

    def note(event)
      @noted << event if @logger
    end

    def pending?
      !@noted.empty?
    end

    def flush
      tell(@noted.pop(true)) until @noted.empty?
    rescue ThreadError
      nil # Another thread has told it.
    end

    def error(message)
      @logger&.error("#{@name}: #{message}")
    end

    private

    def tell(event)
      kind, *details = event
      text = "#{@name}: #{kind.to_s.tr("_", " ")} #{details.join(" ")}".rstrip
      kind == :protocol_error ? @logger.warn(text) : @logger.info(text)
    end
  end
  private_constant :Log
end
