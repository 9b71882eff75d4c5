# frozen_string_literal: true

module Pigato
  # Connection events for the user's logger: queued under the dispatcher's lock, written without it.
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
      write(@noted.pop(true)) until @noted.empty?
    rescue ThreadError
      nil # Another thread has written it.
    end

    def error(message)
      @logger&.error("#{@name}: #{message}")
    end

    private

    def write(event)
      kind, *details = event
      text = "#{@name}: #{kind.to_s.tr("_", " ")} #{details.join(" ")}".rstrip
      kind == :protocol_error ? @logger.warn(text) : @logger.info(text)
    end
  end
  private_constant :Log
end
