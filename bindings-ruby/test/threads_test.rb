# frozen_string_literal: true

require_relative "helper"

class ThreadsTest < PigatoTest
  stress :test_many_threads_use_one_client, :test_stop_ends_all_waits

  THREADS = STRESSED ? 5 : 50
  CALLS = STRESSED ? 1 : 40

  def test_many_threads_use_one_client
    serve(concurrency: 4)
    client = client()
    threads = Array.new(THREADS) do |thread|
      background { Array.new(CALLS) { |number| client.call("echo", [thread, number], timeout: 30) } }
    end
    threads.each_with_index do |thread, index|
      assert_equal Array.new(CALLS) { |number| [index, number] }, thread.value
    end
  end

  # Each child is a program whose first use of the native part is by many threads at once.
  def test_the_first_use_may_be_by_many_threads_at_once
    ruby(<<~RUBY)
      children = Array.new(60) do
        fork do
          Array.new(8) { Thread.new { Pigato::Worker.new("tcp://127.0.0.1:9", "echo").start } }.each(&:join)
          exit!(0)
        end
      end
      exit children.all? { |child| Process.wait2(child).last.success? } ? 0 : 1
    RUBY
  end

  def test_each_thread_has_a_client_of_its_own
    serve(concurrency: 4)
    endpoint = broker.endpoint
    threads = Array.new(THREADS) do |number|
      background do
        client = Pigato::Client.new(endpoint, autostart: true, timeout: 30_000)
        client.request("echo", number).tap { client.stop }
      end
    end
    assert_equal (0...THREADS).to_a, threads.map(&:value)
  end

  def test_many_threads_receive_from_one_worker
    worker = worker("echo", timeout: 50)
    done = false
    threads = Array.new(5) do
      background do
        until done
          data = worker.recv
          worker.reply(data) unless data.nil?
        end
      end
    end
    client = client()
    futures = Array.new(20) { |number| client.async_call("echo", number, timeout: 30) }
    assert_equal (0...20).to_a, futures.map(&:value)
    done = true
    threads.each(&:value)
  end

  # Ready threads are woken one after the other; a killed one must not break the chain.
  def test_threads_killed_when_their_replies_arrive_delay_no_others
    released = Queue.new
    serve(concurrency: THREADS) { |request, _reply| released.pop && request.data }
    client = client()
    5.times do
      threads = Array.new(THREADS) { |number| background { client.call("echo", number, timeout: 30) } }
      eventually("all are asked") { released.num_waiting == THREADS }
      THREADS.times { released << true }
      killed, others = threads.partition.with_index { |_, index| index.even? }
      killed.each(&:kill)
      assert_equal others.map { |thread| threads.index(thread) }, others.map(&:value)
      released.clear
    end
  end

  # Some frameworks copy all thread locals to other threads.
  def test_threads_whose_locals_were_copied_get_their_replies
    released = Array.new(3) { Queue.new }
    serve(concurrency: 3) { |request, _reply| released[request.data].pop && request.data }
    client = client()
    local = nil
    threads = Array.new(3) do |number|
      thread = background do
        local&.each { |name, value| Thread.current[name] = value }
        client.call("echo", number, timeout: 30)
      end
      eventually("it waits") { released[number].num_waiting == 1 && thread.status == "sleep" }
      # The first one waits for the descriptor, the second for its reply.
      local = thread.keys.to_h { |name| [name, thread[name]] } if number == 1
      thread
    end
    [2, 1, 0].each do |number|
      released[number] << true
      assert_equal number, threads[number].value
    end
  end

  # Ruby lets a thread compute for 100 ms before another runs.
  def test_ready_threads_do_not_wait_for_a_computing_thread_one_by_one
    released = Queue.new
    serve(concurrency: THREADS) { |request, _reply| released.pop && request.data }
    client = client()
    # The best of three: Ruby may preempt a thread that has the lock.
    alone, together = [1, THREADS].map do |count|
      Array.new(3) { answered_while_another_computes(client, released, count) }
    end
    assert_operator together.min, :<, alone.max * THREADS / 8
  end

  def answered_while_another_computes(client, released, count)
    threads = Array.new(count) { |number| background { client.call("echo", number, timeout: 30) } }
    eventually("all are asked") { released.num_waiting == count }
    while_another_computes do
      count.times { released << true }
      assert_equal (0...count).to_a, threads.map(&:value)
    end
  end

  # What a signal handler does to the main thread: a thread that is woken runs something else first, without the lock.
  module Kept
    def wake
      @is_woken = true
      super
    end

    def sleep(mutex, _seconds)
      super
      keeping = Thread.current[:keeping]
      return if keeping.nil? || !@is_woken

      mutex.unlock
      keeping.pop
      mutex.lock
    end
  end
  private_constant :Kept

  # Calls of a leader and two others, the last of which is kept when it is woken.
  def while_one_is_kept
    Pigato.const_get(:Waiter).prepend(Kept)
    released = Array.new(4) { Queue.new }
    serve(concurrency: 4) { |request, _reply| released[request.data].pop && request.data }
    # No other event arrives.
    client = client(heartbeat: 600_000)
    keeping = Queue.new
    threads = Array.new(3) do |number|
      background do
        Thread.current[:keeping] = keeping if number == 2
        client.call("echo", number, timeout: 30)
      end.tap { eventually("it is asked") { released[number].num_waiting == 1 } }
    end
    yield(client, released, keeping, *threads)
    eventually("it is kept") { keeping.num_waiting == 1 }
    keeping << true
    assert_equal 2, threads.last.value
  end

  def test_a_reply_after_that_of_a_kept_thread_arrives
    while_one_is_kept do |_client, released, keeping, _leading, other|
      released[2] << true
      # It has been woken, and the leader is about to wait again.
      Thread.pass until keeping.num_waiting == 1
      released[1] << true
      assert_equal 1, other.value
      released[0] << true
    end
  end

  def test_a_sleeping_thread_does_not_wait_for_a_kept_thread_without_a_leader
    while_one_is_kept do |_client, released, _keeping, leading, other|
      [2, 0].each { |number| released[number] << true }
      assert_equal 0, leading.value
      released[1] << true
      assert_equal 1, other.value
    end
  end

  def test_a_new_call_does_not_wait_for_a_kept_thread
    while_one_is_kept do |client, released, _keeping, leading, other|
      [2, 1, 0].each { |number| released[number] << true }
      assert_equal 0, leading.value
      coming = background { client.call("echo", 3, timeout: 30) }
      assert_equal 1, other.value
      released[3] << true
      assert_equal 3, coming.value
    end
  end

  # A leader that called the logger would wait for itself.
  def test_a_logger_may_use_the_client_that_it_logs
    serve
    answers = Queue.new
    client = nil
    logger = Object.new
    logger.define_singleton_method(:info) do |text|
      answers << client.call("echo", text, timeout: 30) if text.end_with?(" connected")
    end
    client = client(logger: logger)
    others = Array.new(3) { |number| background { client.call("echo", number, timeout: 30) } }
    assert_equal [0, 1, 2], others.map(&:value)
    assert_equal "pigato client: connected", answers.pop
  end

  # A wait that is not ended would keep it polling.
  def test_the_core_thread_is_idle_after_many_simultaneous_replies
    replies = Queue.new
    released = Queue.new
    serve(concurrency: THREADS) do |_request, reply|
      replies << reply
      released.pop
    end
    client = client()
    threads = Array.new(THREADS) { |number| background { client.call("echo", number, timeout: 30) } }
    eventually("all are asked") { released.num_waiting == THREADS }
    Array.new(THREADS) { replies.pop }.each(&:finish)
    assert_equal [nil] * THREADS, threads.map(&:value)
    # Counts wake-ups within 0.2 s.
    before = wakes_of_the_core
    sleep 0.2
    assert_operator wakes_of_the_core - before, :<, 100
    released.close
  end

  def wakes_of_the_core
    Dir["/proc/self/task/*"].sum do |task|
      next 0 unless File.read("#{task}/comm").chomp == "pigato-io"

      File.read("#{task}/status")[/^voluntary_ctxt_switches:\s*(\d+)/, 1].to_i
    rescue Errno::ENOENT, Errno::ESRCH
      0 # It has ended.
    end
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  # Returns how long the block takes.
  def while_another_computes
    is_begun = is_done = false
    computing = background do
      is_begun = true
      nil until is_done
    end
    eventually("it computes") { is_begun }
    started = now
    yield
    now - started
  ensure
    is_done = true
    computing.join
  end

  def test_stop_ends_all_waits
    client = client()
    threads = Array.new(5) { background { client.call("nobody", timeout: 30) } }
    eventually("they wait") { threads.all? { |thread| thread.status == "sleep" } }
    client.stop
    threads.each { |thread| assert_raises(Pigato::ClosedError) { thread.value } }
  end
end

class GvlTest < PigatoTest
  def test_other_threads_run_while_one_waits
    client = client()
    future = client.async_call("nobody", timeout: 30)
    waiting = background { future.value }
    eventually("it waits") { waiting.status == "sleep" }
    counted = 0
    counting = background { counted += 1 until counted == 100_000 }
    assert counting.join(PigatoTest::LIMIT)
    assert waiting.alive?
    future.cancel
    assert_raises(Pigato::CancelledError) { waiting.value }
  end

  def test_heartbeats_go_on_while_ruby_does_nothing_else
    # A handler that never lets another thread run, for much longer than the broker's liveness timeout.
    worker = serve(heartbeat: 20, heartbeat_liveness: 2) do
      finish = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 0.5
      nil while Process.clock_gettime(Process::CLOCK_MONOTONIC) < finish
      "alive"
    end
    before = nil
    client = client()
    eventually("it is there") { client.workers("echo").any? && (before = worker.identity) }
    assert_equal "alive", client.call("echo", timeout: 30)
    assert_equal before, worker.identity
  end
end
