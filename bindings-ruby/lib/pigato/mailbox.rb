# frozen_string_literal: true

module Pigato
  # What one thread or fiber waits for, as a rule; more may. Used under its dispatcher's lock only.
  # @private
  class Mailbox
    def initialize(items = [])
      @items = items
      @first = nil
      # Those who wait behind the first; made when there are some.
      @others = nil
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
      if @first.nil?
        @first = follower
      else
        (@others ||= []) << follower
      end
    end

    def remove_waiting(follower)
      if @first.equal?(follower)
        @first = @others&.shift
      else
        @others&.delete(follower)
      end
    end

    # Calls somebody for what there is, or is left by the one that was called before.
    def call_next
      return if @first.nil? || !ready?

      follower = @first
      @first = @others&.shift
      follower.call
    end
  end
  private_constant :Mailbox

  # A mailbox for one item, which everybody gets.
  # @private
  class Outcome < Mailbox
    def initialize
      super(nil)
    end

    def ready?
      !@items.nil?
    end

    def push(item)
      @items ||= item
      call_next
    end

    def shift
      @items
    end
  end
  private_constant :Outcome

  # A thread or fiber that sleeps until its mailbox has something, or until it is to lead.
  # @private
  class Follower
    # @param line [Array<Follower>] those that are called and still asleep
    def initialize(line)
      @line = line
      # A fiber sleeps at one place at a time. Others may have been given what is local to it, as some frameworks do.
      @condition = Thread.current[:pigato_condition] ||= ConditionVariable.new
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
      @condition.broadcast
    end

    def sleep(mutex, seconds)
      @condition.wait(mutex, seconds)
    end
  end
  private_constant :Follower
end
