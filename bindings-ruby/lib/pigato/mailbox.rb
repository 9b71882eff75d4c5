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
      wake_next
    end

    def shift
      @items.shift
    end

    # @param condition [ConditionVariable] is signalled when there is something
    def add_waiting(condition)
      @waiting << condition
    end

    def remove_waiting(condition)
      @waiting.delete(condition)
    end

    # Hands on what the one that was woken did not take.
    def wake_next
      @waiting.shift&.signal if ready?
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
end
