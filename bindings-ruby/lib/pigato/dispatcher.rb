# frozen_string_literal: true

require "io/wait"

module Pigato
  # Distributes a handle's events to the threads and fibers that wait for them (leader/followers). There is no
  # thread of its own: one of the waiting threads leads, which means that it waits for the handle's descriptor,
  # drains the events and puts each into its mailbox. The others sleep.
  #
  #            mailbox ready, or stopped, or deadline over
  #   take ──► CHECK ───────────────────────────────────────────► return
  #             │ ▲ └────────────────────────┐
  #   no leader │ │                          │ otherwise
  #   and no    │ │ its mailbox is ready,    │
  #   @ready    │ │ or several others' are   │
  #             ▼ │                          ▼
  #           LEADING      ┌───────────── SLEEPING
  #           drains ──────┼─ into its mailbox ─► READY ── hand_off ─► WOKEN (one at a time)
  #                        │                        │                    │
  #   CHECK ◄── NAP over ──┴──────── NAP over ──────┴───── it runs ──────┘
  #
  # The state is read and written under `@mutex`. A thread releases the lock when it returns, sleeps, waits for
  # the descriptor or calls the logger, and calls `hand_off` before each of these. So whenever the lock is free:
  #
  # 1. If a thread sleeps, then a thread leads, or one has been woken and is on its way to CHECK.
  # 2. If `@ready` has an entry, then one has been woken, and calls `hand_off` for the next when it has run.
  #
  # Ready threads are woken one by one because only one Ruby thread runs at a time. No thread leads meanwhile, so
  # that the next events come together. Fibers are woken at once: their thread may be doing something else.
  #
  # A woken thread or a leader may be kept by a signal handler or wait for a thread that computes. Nobody depends
  # on it for long: each thread returns to CHECK after NAP seconds, and takes the lead of a leader that did not.
  #
  # `Thread#kill`, `Thread#raise` and `Timeout` interrupt the two waits and the logger only; all else is masked.
  # Signals cannot be masked: an `Interrupt` anywhere else may skip a wake-up, which costs the sleeper one NAP.
  # @private
  class Dispatcher
    NEVER = { Object => :never }.freeze
    IMMEDIATE = { Object => :immediate }.freeze
    # Events per call of the core.
    BATCH = 256
    # Seconds that a thread sleeps, or waits for the descriptor, before it checks again.
    NAP = 0.25
    # Seconds after which a leader that has not checked again is replaced.
    LATE = 2 * NAP
    private_constant :NEVER, :IMMEDIATE, :BATCH, :NAP, :LATE

    # @param native the handle: `begin_wait`, `end_wait`, `drain`, `refuse_fork` and `release`
    # @param receiver `receive(event)` is called under the lock; it must neither wait nor raise, and may be called
    #   twice with one event
    # @param log what the receiver notes in it is written without the lock
    def initialize(native, receiver, log)
      @native = native
      @receiver = receiver
      @log = log
      @ios = Hash.new { |ios, descriptor| ios[descriptor] = IO.for_fd(descriptor, autoclose: false) }
      @events = []
      @mutex = Mutex.new
      # Each sleeping waiter, and whether it is a fiber.
      @sleeping = {}.compare_by_identity
      @ready = []
      @woken = nil
      @leader = nil
      @led_at = 0
      @is_stopped = false
      @stopped = Outcome.new
    end

    def stopped?
      @is_stopped
    end

    # The next item of a mailbox; nil when `deadline` (of {.now}) has passed, or when nothing can come any more.
    # A block runs before the wait, and no event gets between.
    def take(mailbox, deadline = nil)
      exclusively do
        yield if block_given?
        await(mailbox, deadline)
        mailbox.shift
      ensure
        mailbox.call_waiter
        hand_off
      end
    ensure
      @log.flush
    end

    # Runs a block that no event gets between.
    def exclusively
      # Not as `&block`, which would allocate an object each time.
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

    # CHECK of the drawing.
    def await(mailbox, deadline)
      until mailbox.ready? || @is_stopped
        @native.refuse_fork
        next flush_log if @log.pending?

        left = nap_until(deadline)
        if left.zero?
          receive unless led?
          return
        end
        led? || !@ready.empty? ? follow(mailbox, left) : lead(mailbox, deadline)
      end
    end

    def nap_until(deadline)
      deadline.nil? ? NAP : (deadline - Dispatcher.now).clamp(0, NAP)
    end

    # Whether a leader exists that has checked its mailbox lately.
    def led?
      !@leader.nil? && Dispatcher.now - @led_at < LATE
    end

    # It stops reading while several threads have their turn.
    def lead(mailbox, deadline)
      me = @leader = Fiber.current
      while @leader.equal?(me) && @ready.length < 2 && !(mailbox.ready? || @is_stopped || @log.pending?)
        @led_at = Dispatcher.now
        left = nap_until(deadline)
        break if left.zero?

        hand_off
        wait_readable(left)
        receive
      end
    ensure
      # Unless another has taken the lead.
      if @leader.equal?(Fiber.current)
        @leader = nil
        @native.end_wait
      end
    end

    # Each wait is begun anew: this finds what has come already.
    def wait_readable(seconds)
      descriptor = @native.begin_wait
      unlocked { descriptor ? @ios[descriptor].wait_readable(seconds) : give_way }
    rescue Errno::EBADF
      nil # A signal handler kept this thread, and meanwhile the handle has stopped.
    end

    # Lets others have the lock, and interrupts arrive, where one event comes after the other.
    def give_way
      Fiber.current_scheduler ? sleep(0) : Thread.pass
    end

    def follow(mailbox, seconds)
      waiter = Waiter.new(@ready)
      begin
        @sleeping[waiter] = waiter.fiber?
        mailbox.add_waiter(waiter)
        hand_off
        Thread.handle_interrupt(IMMEDIATE) { waiter.sleep(@mutex, seconds) }
      ensure
        @sleeping.delete(waiter)
        mailbox.remove_waiter(waiter)
        # One that was ready and has run by itself: the woken one is late.
        @woken = nil if @woken.equal?(waiter) || @ready.delete(waiter)
      end
    end

    # Wakes the next ready thread, unless a woken thread has not run yet. If none is ready and no thread leads, wakes
    # a sleeping thread to lead.
    def hand_off
      return if @woken

      waiter = @ready.shift
      waiter ||= @sleeping.key(false) || @sleeping.first&.first unless @leader
      return if waiter.nil?

      @woken = waiter unless waiter.fiber?
      waiter.wake
    end

    # The logger may use the client: no thread waits for this one meanwhile.
    def flush_log
      hand_off
      unlocked { @log.flush }
    end

    def unlocked
      @mutex.unlock
      Thread.handle_interrupt(IMMEDIATE) { yield }
    ensure
      relock
    end

    # An `Interrupt` ends a wait for a lock without the lock.
    def relock
      @mutex.lock
    ensure
      @mutex.lock unless @mutex.owned?
    end

    def receive
      return if @is_stopped

      # An event is removed when it is delivered: an `Interrupt` loses none, but may repeat one.
      @native.drain(@events, BATCH) if @events.empty?
      while (event = @events.first)
        @receiver.receive(event)
        @events.shift
        stop if event.first == :stopped
      end
    end

    def stop
      @is_stopped = true
      @native.release
      @stopped.push(true)
      @sleeping.each_key(&:wake)
    end
  end
  private_constant :Dispatcher
end
