# frozen_string_literal: true

module Pigato
  # A thread or fiber that sleeps until its mailbox has an item, or until it is to lead. Used under its dispatcher's lock only.
  # @private
  class Waiter
    # @param ready [Array<Waiter>] the threads that the dispatcher wakes in turn
    def initialize(ready)
      @ready = ready
      @is_fiber = !Fiber.current_scheduler.nil?
      @condition = ConditionVariable.new
    end

    # Whether the waiter is a fiber of a scheduler.
    def fiber?
      @is_fiber
    end

    # Called when the waiter's mailbox has an item.
    def call
      @is_fiber ? wake : @ready << self
    end

    def wake
      @condition.signal
    end

    def sleep(mutex, seconds)
      @condition.wait(mutex, seconds)
    end
  end
  private_constant :Waiter
end
