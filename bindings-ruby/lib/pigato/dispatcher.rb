# frozen_string_literal: true

require "io/wait"

module Pigato
  # Brings a handle's events to those who wait for them, without a thread of its own: one of those who wait leads. It waits
  # for the descriptor that the handle names, drains, puts each event into its mailbox, and when its own mailbox has something
  # it hands the lead to another. The others sleep until their mailbox has something, or until it is they who lead.
  #
  # Those for whom something has come wake each other, one by one: only one of Ruby's threads can run, and many that are awake
  # cost each other more in waiting for their turn than all else that is done here. Whoever leaves, or goes to sleep again,
  # wakes the next; `@awake` has been woken and has not yet been here. While there is such a line, nobody leads, who would wake up
  # in between; its last one does, or somebody whom that one wakes.
  #
  # One that comes late has waited for a thread that does not wait itself: then all are woken, so that it is waited for once and not
  # by one after the other. Where somebody else finds that it is late, the line goes on without it; those who sleep look for that,
  # too. Fibers are always woken at once: the thread that runs them may be at something else.
  #
  # What a line gives the handle is sent by a few at a time, so that the other side is not woken for each.
  #
  # Where those who leave come back before the next has got going, as often as not with another request, the next is only laid in
  # the baton: it is woken when the one that left sleeps again, and finds its turn free. `@returns` counts how often in a row it
  # was so; one that lay there for nothing, as nobody slept, is paid for by many more of them.
  #
  # Threads may be killed or raised into anywhere: everything but the two waits and the logger is masked, and the waits clean up.
  # Signals that end the program are not: whom they keep from waking another is late. Nothing blocks otherwise, so that fibers of
  # one thread never meet at the lock.
  # @private
  class Dispatcher
    NEVER = { Object => :never }.freeze
    IMMEDIATE = { Object => :immediate }.freeze
    # Events that one call of the core hands out.
    BATCH = 256
    # Seconds from its wake until a thread is late.
    LATE = 0.01
    # Seconds until one that sleeps looks whether somebody leads, or is on the way and not late: whatever may have kept that one.
    PATIENCE = 1.0
    # Returns in a row after which the next is laid in the baton.
    RETURNS = 4
    # How many more there must be after one that lay there for nothing until that was noticed.
    LOST_RETURNS = 64
    # What a line gives is sent when so much has gathered: with less the other side is woken too often, with more it waits.
    TOGETHER = 6

    # @param native what has `begin_wait`, `end_wait`, `drain`, `refuse_fork` and `release`; `cork` and `uncork`, if several can be
    #   called at a time
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
      @woken_at = 0
      @baton = Native::Baton.create
      @is_laid = false
      @returns = 0
      # Whether the one that was woken last is not called, but is to lead.
      @is_to_lead = false
      @is_corked = false
      # Those that are all woken by one that was late, as soon as it has the lock no more.
      @late = nil
      @is_led = false
      @is_watched = false
      @is_stopped = false
      @stopped = Outcome.new
    end

    def stopped?
      @is_stopped
    end

    # The next item of a mailbox. Nil when `deadline` (of {.now}) has passed, or when nothing can come any more. A block is run
    # before the wait, and no event gets between.
    def take(mailbox, deadline = nil)
      late = nil
      Thread.handle_interrupt(NEVER) do
        @mutex.synchronize do
          yield if block_given?
          await(mailbox, deadline)
          mailbox.shift
        ensure
          mailbox.call_next
          wake_next(@returns > RETURNS)
          late = @late
          @late = nil
        end
      ensure
        # Not under the lock: a thread that computes may interrupt this, and the lock would then be had by one of them each time
        # that it lets others run.
        late&.each(&:wake)
      end
    ensure
      @log.flush
    end

    # Runs a block that no event gets between.
    def exclusively
      # Not as `&block`, of which an object would be made each time.
      Thread.handle_interrupt(NEVER) { @mutex.synchronize { yield } }
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
      @returns = @awake ? @returns + 1 : [@returns, 0].min unless mailbox.ready?
      until mailbox.ready? || @is_stopped
        wake_late
        # Made before a fork: nobody leads here, and nothing comes.
        @native.refuse_fork
        next tell_log if @log.pending?

        left = left_until(deadline)
        if !@is_led && (@line.empty? || left&.zero?)
          lead(mailbox, deadline, left)
        elsif !left&.zero?
          follow(mailbox, left)
        end
        return if left&.zero?
      end
    end

    def late?
      Dispatcher.now - @woken_at >= LATE
    end

    # The logger may wait for something itself, on this thread: it must neither lead nor be waited for meanwhile.
    def tell_log
      wake_next
      unlocked { @log.flush }
    end

    def left_until(deadline)
      deadline && [deadline - Dispatcher.now, 0].max
    end

    # Ends when the mailbox has something, the handle has stopped or the time is over, and where others are to run first.
    def lead(mailbox, deadline, left)
      @is_led = true
      take_back_lead unless left&.zero?
      loop do
        pass_baton
        wake_next
        uncork
        left = left_until(deadline)
        has_waited = left&.zero? || wait_readable(@line.empty? ? left : [left, LATE].compact.min)
        receive
        has_called_several = @line.length > 1
        cork if has_called_several
        break if has_called_several || left&.zero? || mailbox.ready? || @is_stopped || @log.pending?

        give_way unless has_waited
      end
    ensure
      @native.end_wait
      @is_led = false
    end

    # Somebody was to lead who sleeps on.
    def take_back_lead
      return unless @is_laid && @is_to_lead

      @baton.clear
      @is_laid = false
      @awake = nil
    end

    def cork
      return if @is_corked

      @is_corked = true
      @native.cork(TOGETHER)
    end

    def uncork
      return unless @is_corked

      @is_corked = false
      @native.uncork
    end

    # The wait is begun anew each time: that is where what has come already is found. Returns whether there was one.
    def wait_readable(seconds)
      descriptor = @native.begin_wait
      return false if descriptor.nil?

      unlocked { @ios[descriptor].wait_readable(seconds) }
      true
    end

    # Lets others have the lock, and interrupts their way, where one event comes after the other and none is for the leader.
    def give_way
      unlocked { Fiber.current_scheduler ? Kernel.sleep(0) : Thread.pass }
    end

    def unlocked
      @mutex.unlock
      Thread.handle_interrupt(IMMEDIATE) { yield }
    ensure
      @mutex.lock
    end

    def follow(mailbox, seconds)
      follower = Follower.create(@line)
      begin
        be_woken(follower, mailbox, seconds)
      ensure
        @followers.delete(follower)
        mailbox.remove_waiting(follower)
        @line.delete(follower)
        follower.end_wait
        arrived if @awake.equal?(follower)
      end
    end

    def be_woken(follower, mailbox, seconds)
      @followers[follower] = true
      mailbox.add_waiting(follower)
      wake_next(!follower.fiber?)
      @is_laid = false
      # While nobody leads, one of those who wait looks after the line.
      is_watching = !@is_led && !@is_watched
      @is_watched ||= is_watching
      sleep(follower, [seconds, is_watching ? LATE : PATIENCE].compact.min)
    ensure
      @is_watched = false if is_watching
    end

    def sleep(follower, seconds)
      return unlocked { follower.parker.park(@baton, seconds) } unless follower.fiber?

      @baton.pass
      Thread.handle_interrupt(IMMEDIATE) { follower.sleep(@mutex, seconds) }
    ensure
      # Where it was not, because this was interrupted before it could sleep.
      @baton.pass
    end

    def arrived
      @awake = nil
      @returns = -LOST_RETURNS if @is_laid
      @is_laid = false
      return if @line.empty? || !late?

      @late = @line.dup
      @line.clear
    end

    # For one that waits again, and has left nothing.
    def wake_late
      @late&.each(&:wake)
      @late = nil
    end

    # Wakes the next in the line, unless another is on its way; if there is none, somebody who will find that nobody leads.
    # @param when_asleep [Boolean] not at once, but when this thread sleeps
    def wake_next(when_asleep = false)
      give_up_late if @awake
      return if @awake

      follower = @line.shift
      @is_to_lead = follower.nil?
      follower ||= somebody unless @is_led || @followers.empty?
      # Nobody who would do it, or not at once.
      uncork if follower.nil? || follower.fiber?
      return if follower.nil?
      return follower.wake if follower.fiber?

      @awake = follower
      @woken_at = Dispatcher.now
      return follower.wake unless when_asleep

      @baton.lay(follower.parker)
      @is_laid = true
    end

    # One that waits, and a thread if there is one: fibers may be kept by what else their thread does.
    def somebody
      @followers.each_key { |follower| return follower unless follower.fiber? }
      @followers.each_key { |follower| return follower }
    end

    # It comes by itself, one day.
    def give_up_late
      return unless late?

      @returns = -LOST_RETURNS if @is_laid
      pass_baton
      @followers.delete(@awake)
      @awake = nil
    end

    def pass_baton
      return unless @is_laid

      @baton.pass
      @is_laid = false
    end

    def receive
      @native.drain(BATCH).each do |event|
        @receiver.receive(event)
        stop if event.first == :stopped
      end
    end

    # Nobody waits for a descriptor any more but the one that leads, and that one is here.
    def stop
      @is_stopped = true
      @native.release
      @stopped.push(true)
      @followers.each_key(&:wake)
    end
  end
  private_constant :Dispatcher
end
