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
end
