# frozen_string_literal: true

module Pigato
  # Items for one or more threads or fibers that wait for them. Used under its dispatcher's lock only.
  # @private
  class Mailbox
    def initialize(items = [])
      @items = items
      # Allocated on the first wait.
      @waiters = nil
    end

    def ready?
      !@items.empty?
    end

    def push(item)
      @items << item
      call_waiter
    end

    def shift
      @items.shift
    end

    def add_waiter(waiter)
      (@waiters ||= []) << waiter
    end

    def remove_waiter(waiter)
      @waiters&.delete(waiter)
    end

    # Calls a waiter if there is an item: a new item, or one that an earlier waiter has left.
    def call_waiter
      @waiters.shift&.call if @waiters && ready?
    end
  end
  private_constant :Mailbox

  # A mailbox for one item, which every waiter gets.
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
      call_waiter
    end

    def shift
      @items
    end
  end
  private_constant :Outcome
end
