# frozen_string_literal: true

# A minimal fiber scheduler: the fibers of one thread wait in one IO.select.
class TestScheduler
  def initialize
    @readable = {}
    @writable = {}
    @timers = {}
    @ready = []
    @blocked = {}
    @lock = Thread::Mutex.new
    @wake, @signal = IO.pipe
  end

  def run
    step until @readable.empty? && @writable.empty? && @timers.empty? && @blocked.empty? && idle?
  ensure
    @wake.close
    @signal.close
  end
  alias close run

  def fiber(&block)
    Fiber.new(blocking: false, &block).tap(&:resume)
  end

  def io_wait(io, events, timeout)
    fiber = Fiber.current
    @readable[fiber] = io if events.anybits?(IO::READABLE)
    @writable[fiber] = io if events.anybits?(IO::WRITABLE)
    @timers[fiber] = now + timeout if timeout
    Fiber.yield
  ensure
    forget(fiber)
  end

  def kernel_sleep(duration = nil)
    block(:sleep, duration)
  end

  def block(_blocker, timeout = nil)
    fiber = Fiber.current
    @blocked[fiber] = true
    @timers[fiber] = now + timeout if timeout
    Fiber.yield == :unblocked
  ensure
    forget(fiber)
  end

  # May be called by any thread.
  def unblock(_blocker, fiber)
    @lock.synchronize { @ready << fiber }
    @signal.write_nonblock(".", exception: false)
  end

  private

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def idle?
    @lock.synchronize { @ready.empty? }
  end

  def forget(fiber)
    [@readable, @writable, @timers, @blocked].each { |table| table.delete(fiber) }
  end

  def step
    readable, writable = IO.select([@wake, *@readable.values.uniq], @writable.values.uniq, [], limit)
    @wake.read_nonblock(4096, exception: false) if readable&.include?(@wake)
    resume(@readable, readable, IO::READABLE)
    resume(@writable, writable, IO::WRITABLE)
    unblocked = @lock.synchronize { @ready.slice!(0..) }
    unblocked.each { |fiber| fiber.resume(:unblocked) if @blocked.key?(fiber) && fiber.alive? }
    due = now
    @timers.select { |_, time| time <= due }.each_key { |fiber| fiber.resume(false) if @timers.key?(fiber) }
  end

  def resume(table, ready, events)
    table.select { |_, io| ready&.include?(io) }.each_key { |fiber| fiber.resume(events) if table.key?(fiber) }
  end

  def limit
    return 0 unless idle?

    first = @timers.values.min
    first && [first - now, 0].max
  end
end
