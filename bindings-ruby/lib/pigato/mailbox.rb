# frozen_string_literal: true

module Pigato
  # What one thread or fiber waits for. Used under its dispatcher's lock only.
  # @private
  class Mailbox
    def initialize
      @items = []
      @waiting = []
    end

    def ready?
      !@items.empty?
    end

    def push(item)
      @items << item
      call_next
    end

    def shift
      @items.shift
    end

    # @param follower [Follower] is called when there is something
    def add_waiting(follower)
      @waiting << follower
    end

    def remove_waiting(follower)
      @waiting.delete(follower)
    end

    # Calls somebody for what there is, or is left by the one that was called before.
    def call_next
      @waiting.shift&.call if ready?
    end
  end
  private_constant :Mailbox

  # A mailbox for one item, which everybody gets.
  # @private
  class Outcome < Mailbox
    def shift
      @items.first
    end
  end
  private_constant :Outcome

  # A thread or fiber that sleeps until its mailbox has something, or until it is to lead.
  # @private
  class Follower
    # @param line [Array<Follower>] those that are called and still asleep
    def initialize(line)
      @line = line
      @condition = ConditionVariable.new
      @is_fiber = !Fiber.current_scheduler.nil?
    end

    # Whether a scheduler runs it.
    def fiber?
      @is_fiber
    end

    # Puts it in the line.
    def call
      @is_fiber ? wake : @line << self
    end

    def wake
      @condition.signal
    end

    def sleep(mutex, seconds)
      @condition.wait(mutex, seconds)
    end
  end
  private_constant :Follower
end
