# frozen_string_literal: true

require_relative "helper"
require_relative "scheduler"

# A waiting fiber lets the other fibers of its thread run.
class FibersTest < PigatoTest
  def scheduled(&block)
    background do
      Fiber.set_scheduler(TestScheduler.new)
      Fiber.schedule(&block)
    end.join(PigatoTest::LIMIT)
  end

  def test_fibers_of_one_thread_call_at_the_same_time
    running = Thread::Queue.new
    release = Thread::Queue.new
    serve(concurrency: 5) do |request, _reply|
      running << true
      release.pop
      request.data
    end
    # All five are with the worker at once before any is answered.
    background do
      5.times { running.pop }
      5.times { release << true }
    end
    client = client()
    answers = []
    assert(scheduled do
      5.times { |number| Fiber.schedule { answers << client.call("echo", number, timeout: 30) } }
    end)
    assert_equal [0, 1, 2, 3, 4], answers.sort
  end

  def test_another_fiber_runs_while_one_waits
    client = client()
    order = []
    assert(scheduled do
      future = client.async_call("nobody", timeout: 30)
      Fiber.schedule do
        order << :waits
        future.value
      rescue Pigato::CancelledError
        order << :cancelled
      end
      order << :runs
      future.cancel
    end)
    assert_equal %i[waits runs cancelled], order
  end

  def test_threads_and_fibers_use_one_client
    serve(concurrency: 4)
    client = client()
    threads = Array.new(3) { |number| background { Array.new(30) { client.call("echo", number, timeout: 30) } } }
    answers = []
    assert(scheduled do
      3.times { |number| Fiber.schedule { 30.times { answers << client.call("echo", number, timeout: 30) } } }
    end)
    assert_equal [0, 1, 2].flat_map { |number| [number] * 30 }, answers.sort
    threads.each_with_index { |thread, number| assert_equal [number] * 30, thread.value }
  end

  # The last of several ready threads hands the lead on, and the fiber has slept the longest.
  def test_threads_do_not_wait_for_a_fiber_whose_thread_is_busy
    replies = {}
    over = Queue.new
    serve(concurrency: 4) do |request, reply|
      replies[request.data] = reply
      over.pop
    end
    client = client()
    asking = lambda do |number, &block|
      background(&block || -> { client.call("echo", number, timeout: 30) }).tap do
        eventually("it is asked") { replies.key?(number) }
      end
    end
    leading = asking.call(0)
    something_else = Queue.new
    fiber = asking.call(1) do
      Fiber.set_scheduler(TestScheduler.new)
      Fiber.schedule { client.call("echo", 1, timeout: 30) }
      something_else.pop
    end
    others = [2, 3].map(&asking)
    [2, 3].each { |number| replies[number].finish }
    others.each(&:value)
    replies[0].finish
    assert leading.join(LIMIT / 2), "it waits for the fiber"
    something_else.close
    replies[1].finish
    assert fiber.join(LIMIT / 2)
    over.close
  end

  def test_fibers_receive_and_reply
    worker = worker("echo", timeout: 30_000)
    client = client()
    answer = nil
    assert(scheduled do
      Fiber.schedule { worker.reply(worker.recv + 1) }
      Fiber.schedule { answer = client.call("echo", 1, timeout: 30) }
    end)
    assert_equal 2, answer
  end

  def test_fibers_read_streams_side_by_side
    serve { |request, reply| 3.times { |number| reply.write([request.data, number]) } && nil }
    client = client()
    parts = []
    assert(scheduled do
      2.times { |stream| Fiber.schedule { client.stream("echo", stream) { |part| parts << part } } }
    end)
    assert_equal [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]], parts.sort
  end
end
