# frozen_string_literal: true

require "io/wait"

module Pigato
  # Brings a handle's events to those who wait for them, without a thread of its own: one of those who wait leads. It waits
  # for the handle's descriptor, drains, puts each event into its mailbox, and when its own mailbox has something it hands
  # the lead to another. The others sleep until their mailbox has something, or until it is they who lead.
  #
  # Those for whom something has come wake each other, one by one: only one of Ruby's threads can run, and many that are awake
  # cost each other more in waiting for their turn than all else that is done here. Whoever leaves, or goes to sleep again,
  # wakes the next; `@awake` has been woken and has not yet been here.
  #
  # Threads may be killed or raised into anywhere: everything but the two waits is masked, and both of these clean up.
  # Nothing blocks otherwise, so that fibers of one thread never meet at the lock.
  # @private
  class Dispatcher
    NEVER = { Object => :never }.freeze
    IMMEDIATE = { Object => :immediate }.freeze
    # Events that one call of the core hands out.
    BATCH = 256

    # @param native what has `begin_wait`, `end_wait`, `drain`, `refuse_fork` and `release`
    # @param receiver `receive(event)` is called under the lock; it must neither wait nor raise
    # @param log what the receiver noted is told without the lock
    def initialize(native, receiver, log)
      @native = native
      @receiver = receiver
      @log = log
      @ios = Hash.new { |ios, descriptor| ios[descriptor] = IO.for_fd(descriptor, autoclose: false) }
      @mutex = Mutex.new
      @followers = {}.compare_by_identity
      @line = []
      @awake = nil
      @is_led = false
      @is_stopped = false
      @stopped = Outcome.new
    end

    def stopped?
      @is_stopped
    end

    # The next item of a mailbox. Nil when `deadline` (of {.now}) has passed, or when nothing can come any more.
    def take(mailbox, deadline = nil)
      exclusively do
        await(mailbox, deadline)
        mailbox.shift
      ensure
        mailbox.call_next
        wake_next
      end
    ensure
      @log.flush
    end

    # Runs a block that no event gets between.
    def exclusively(&block)
      Thread.handle_interrupt(NEVER) { @mutex.synchronize(&block) }
    end

    # Waits until the handle has stopped, or `deadline` has passed.
    def wait_stopped(deadline = nil)
      take(@stopped, deadline)
      @is_stopped
    end

    def self.now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    # @param seconds [Numeric, nil] nil for no end
    def self.deadline(seconds)
      seconds && now + seconds
    end

    private

    def await(mailbox, deadline)
      until mailbox.ready? || @is_stopped
        # Made before a fork: nobody leads here, and nothing comes.
        @native.refuse_fork
        return lead(mailbox, deadline) unless @is_led

        left = left_until(deadline)
        return if left&.zero?

        follow(mailbox, left)
      end
    end

    def left_until(deadline)
      deadline && [deadline - Dispatcher.now, 0].max
    end

    # Ends when the mailbox has something, the handle has stopped or the time is over.
    def lead(mailbox, deadline)
      @is_led = true
      loop do
        wake_next
        left = left_until(deadline)
        wait_readable(left) unless left&.zero?
        receive
        break if left&.zero? || mailbox.ready? || @is_stopped
      end
    ensure
      @native.end_wait
      @is_led = false
    end

    # The wait is begun anew each time: that is where what has come already is found.
    def wait_readable(seconds)
      descriptor = @native.begin_wait
      descriptor && wait_for(@ios[descriptor], seconds)
    end

    def wait_for(io, seconds)
      @mutex.unlock
      Thread.handle_interrupt(IMMEDIATE) do
        # Now, and not only when what is waited for comes.
        @log.flush
        io.wait_readable(seconds)
      end
    ensure
      @mutex.lock
    end

    def follow(mailbox, seconds)
      follower = Follower.new(@line)
      @followers[follower] = true
      mailbox.add_waiting(follower)
      wake_next
      Thread.handle_interrupt(IMMEDIATE) { follower.sleep(@mutex, seconds) }
    ensure
      @followers.delete(follower)
      mailbox.remove_waiting(follower)
      @line.delete(follower)
      @awake = nil if @awake.equal?(follower)
    end

    # Wakes the next in the line, unless another is on its way; if there is none, somebody who will find that nobody leads.
    def wake_next
      return if @awake

      @awake = @line.shift
      @awake ||= @followers.each_key.first unless @is_led
      @awake&.wake
    end

    def receive
      @native.drain(BATCH).each do |event|
        @receiver.receive(event)
        stop if event.first == :stopped
      end
    end

    # Nobody waits for the descriptor any more but the one that leads, and that one is here.
    def stop
      @is_stopped = true
      @native.release
      @stopped.push(true)
      @followers.each_key(&:wake)
    end
  end
  private_constant :Dispatcher
end
