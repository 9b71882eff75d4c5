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
      @parker = take_parker || Native::Parker.create
    end

    # Leaves what it slept with to the thread's next wait.
    def end_wait
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

    private

    # What the thread has from its last wait. It is taken away meanwhile: a logger, or whatever else runs in the middle of a wait,
    # may wait itself, and would take the wake that is for the first. Not local to a fiber: some frameworks give others what is.
    def take_parker
      thread = Thread.current
      parker = thread.thread_variable_get(:pigato_parker)
      thread.thread_variable_set(:pigato_parker, nil)
      parker if parker&.usable?
    end
  end
  private_constant :Follower

  # A fiber that does the same.
  # @private
  class FiberFollower
    def initialize
      @condition = ConditionVariable.new
    end

    def end_wait; end

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
