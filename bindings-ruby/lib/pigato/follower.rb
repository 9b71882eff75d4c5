# frozen_string_literal: true

module Pigato
  # A thread that sleeps until its mailbox has something, or until it is to lead.
  # @private
  class Follower
    # @param line [Array<Follower>] those that are called and still asleep
    def self.create(line)
      Fiber.current_scheduler.nil? ? new(line) : FiberFollower.new
    end

    attr_reader :parker

    def initialize(line)
      @line = line
      # Not local to a fiber: some frameworks give others what is.
      @parker = Thread.current.thread_variable_get(:pigato_parker)
      return if @parker&.usable?

      @parker = Native::Parker.create
      Thread.current.thread_variable_set(:pigato_parker, @parker)
    end

    # Whether a scheduler runs it.
    def fiber?
      false
    end

    # Puts it in the line.
    def call
      @line << self
    end

    def wake
      @parker.unpark
    end
  end
  private_constant :Follower

  # A fiber that does the same.
  # @private
  class FiberFollower
    def initialize
      @condition = ConditionVariable.new
    end

    def fiber?
      true
    end

    # The thread that runs it may be at something else: it waits for nobody.
    def call
      wake
    end

    def wake
      @condition.broadcast
    end

    def sleep(mutex, seconds)
      @condition.wait(mutex, seconds)
    end
  end
  private_constant :FiberFollower
end
