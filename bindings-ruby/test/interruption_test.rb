# frozen_string_literal: true

require "minitest/mock"
require_relative "helper"

# A waiting thread can be interrupted at once, and the others continue.
class InterruptionTest < PigatoTest
  stress :test_timeout, :test_another_thread_leads_when_the_leader_is_killed

  # Seconds within which an interruption must arrive; generous under GC stress.
  AT_ONCE = STRESSED ? 30 : 0.1

  class Stop < RuntimeError; end

  def waiting(client)
    thread = background { client.call("nobody", timeout: 60) }
    eventually("it waits") { thread.status == "sleep" }
    thread
  end

  def at_once
    before = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    result = yield
    assert_operator Process.clock_gettime(Process::CLOCK_MONOTONIC) - before, :<, AT_ONCE
    result
  end

  # An endless stream, from a separate process that this one does not slow down.
  ENDLESS = <<~RUBY
    worker = Pigato::Worker.new(ARGV.fetch(0), "endless")
    Thread.new { $stdin.read && worker.stop }
    worker.run(concurrency: 4) { |_request, reply| loop { reply.write(1) } }
  RUBY

  # Events arrive without pause, and none is for the leader.
  def test_a_call_that_drops_an_endless_stream_is_interruptible_and_delays_no_other
    serve("echo")
    client = client()
    talk(ENDLESS, broker.endpoint) do |input, _output, _process|
      streams = Array.new(3) { background { client.call("endless", timeout: 30) } }
      5.times { |number| assert_equal number, client.call("echo", number, timeout: 30) }
      assert_raises(Timeout::Error) { Timeout.timeout(1) { client.call("endless", timeout: 30) } }
      streams.each(&:kill)
      input.close
    end
  end

  def test_timeout
    client = client()
    assert_raises(Timeout::Error) { Timeout.timeout(0.02) { client.call("nobody", timeout: 60) } }
  end

  def test_kill
    thread = waiting(client)
    at_once { thread.kill && assert(thread.join(PigatoTest::LIMIT)) }
  end

  def test_raise
    thread = waiting(client)
    at_once do
      thread.raise(Stop)
      assert_raises(Stop) { thread.value }
    end
  end

  def test_an_interrupted_call_is_cancelled
    thread = waiting(client)
    eventually("the broker has it") { broker.statistics[:requests] == 1 }
    thread.kill.join
    eventually("the broker forgets it") { broker.statistics[:cancelled] == 1 }
  end

  def test_another_thread_leads_when_the_leader_is_killed
    serve
    client = client()
    leader = waiting(client)
    followers = Array.new(3) { waiting(client) }
    leader.kill.join
    followers.first.kill.join
    assert_equal 1, client.call("echo", 1, timeout: 30)
    future = client.async_call("echo", 2, timeout: 30)
    other = background { future.value }
    assert_equal 2, other.value
    followers.each { |thread| thread.kill.join }
  end

  def test_recv_is_interrupted
    worker = worker("echo", timeout: 60_000)
    thread = background { worker.recv }
    eventually("it waits") { thread.status == "sleep" }
    at_once do
      thread.raise(Stop)
      assert_raises(Stop) { thread.value }
    end
  end

  def test_calls_survive_interruptions_anywhere
    serve(concurrency: 4)
    client = client()
    done = 0
    # Threads inherit the mask: none is interrupted before it has begun.
    threads = Thread.handle_interrupt(Stop => :never) do
      Array.new(6) { |number| background { persist(client, number) { done += 1 } } }
    end
    random = Random.new(1)
    while threads.any?(&:alive?)
      threads.sample(random: random).raise(Stop)
      Thread.pass
      sleep(random.rand * 0.002)
    end
    assert_equal 6 * REPEATS, done
    assert_equal "after", client.call("echo", "after", timeout: 30)
  end

  REPEATS = STRESSED ? 2 : 60

  # Repeats each call until it is answered, whatever interrupts it.
  def persist(client, number)
    REPEATS.times do |repeat|
      begin
        answer = Thread.handle_interrupt(Stop => :immediate) { client.call("echo", [number, repeat], timeout: 30) }
      rescue Stop
        retry
      end
      assert_equal [number, repeat], answer
      yield
    end
  end
end

class SignalInterruptionTest < PigatoTest
  PROGRAM = <<~RUBY
    $stdout.sync = true
    client = Pigato::Client.new(ARGV[0]).start
    begin
      puts "waiting"
      client.call("nobody", timeout: 60)
    rescue Interrupt
      puts "interrupted"
    end
    client.stop
  RUBY

  def test_ctrl_c
    ended = talk(PROGRAM, broker.endpoint) do |_input, output, process|
      assert_equal "waiting\n", output.gets
      Process.kill(:INT, process)
      assert_equal "interrupted\n", output.gets
    end
    assert ended.success?
  end

  def test_an_interrupt_from_a_thread_that_ends
    assert_equal "interrupted\n", ruby(<<~RUBY, broker.endpoint)
      client = Pigato::Client.new(ARGV[0]).start
      main = Thread.current
      Thread.new do
        Thread.pass until main.status == "sleep"
        Process.kill(:INT, $$)
      end
      begin
        client.call("nobody", timeout: 60)
      rescue Interrupt
        puts "interrupted"
      end
    RUBY
  end

  # No mask defers signals: one may arrive while a wait is prepared.
  def test_an_interrupt_while_a_wait_is_prepared_is_raised
    client = client()
    leading = background { client.call("nobody", timeout: 30) }
    eventually("it waits") { leading.stop? }
    Pigato.const_get(:Waiter).stub(:new, ->(_ready) { raise Interrupt, "now" }) do
      assert_raises(Interrupt) { client.call("nobody", timeout: 30) }
    end
    client.stop
    assert_raises(Pigato::ClosedError) { leading.value }
  end
end
