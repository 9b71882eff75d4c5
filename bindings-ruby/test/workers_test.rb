# frozen_string_literal: true

require_relative "helper"

class WorkersTest < PigatoTest
  def test_concurrency_limits_the_running_handlers
    running = Thread::Queue.new
    release = Thread::Queue.new
    serve(concurrency: 3) do |request, _reply|
      running << request.data
      release.pop
    end
    client = client()
    futures = Array.new(5) { |number| client.async_call("echo", number) }
    first = Array.new(3) { running.pop }
    assert_equal [0, 1, 2], first.sort
    # The others are queued at the broker.
    assert_equal 2, broker.statistics[:queued]
    5.times { |number| release << number }
    futures.each(&:value)
  end

  def test_a_handler_that_raises_does_not_end_the_worker
    serve(concurrency: 1) { |request, _reply| request.data == 1 ? raise("odd") : request.data }
    client = client()
    assert_raises(Pigato::RemoteError) { client.call("echo", 1) }
    assert_equal 2, client.call("echo", 2)
  end

  def test_a_handler_that_raises_another_exception_does_not_end_the_worker
    serve(concurrency: 1) { |request, _reply| request.data == 1 ? raise(NotImplementedError, "later") : request.data }
    client = client()
    assert_equal "later", assert_raises(Pigato::RemoteError) { client.call("echo", 1) }.value["message"]
    assert_equal 2, client.call("echo", 2)
  end

  def test_a_handler_that_throws_fails_its_request
    serve(concurrency: 1) { |request, _reply| request.data == 1 ? throw(:nowhere) : request.data }
    client = client()
    assert_raises(Pigato::RemoteError) { client.call("echo", 1) }
    assert_equal 2, client.call("echo", 2)
  end

  def test_a_handler_whose_thread_ends_fails_its_request_and_the_worker_goes_on
    serve(concurrency: 1) { |request, _reply| request.data == 1 ? Thread.exit : request.data }
    client = client()
    error = assert_raises(Pigato::RemoteError) { client.call("echo", 1) }
    assert_equal "W_HANDLER", error.code
    assert_equal 2, client.call("echo", 2)
  end

  def test_a_handlers_error_is_logged
    text = StringIO.new
    serve(logger: Logger.new(text)) { raise "odd" }
    assert_raises(Pigato::RemoteError) { client.call("echo", 1) }
    assert_match(/handler failed: .*odd/m, text.string)
  end

  def test_a_silent_client_does_not_cancel_its_request
    states = Queue.new
    serve(concurrency: 1, heartbeat: 20) do |_request, reply|
      Thread.pass while reply.active?
      states << reply.cancelled?
      Thread.pass until reply.cancelled?
      states << reply.cancelled?
    end
    future = client(heartbeat: 10_000).async_call("echo", 1)
    refute states.pop, "it is silent, and no more than that"
    future.cancel
    assert states.pop
  end

  def test_the_logger_records_a_lost_connection_at_once
    text = StringIO.new
    serve(logger: Logger.new(text), heartbeat: 100)
    eventually("the worker connects") { text.string.include?("pigato worker echo: connected") }
    broker.stop
    eventually("the worker notices") { text.string.include?("pigato worker echo: disconnected") }
  end

  def test_a_reply_that_json_cannot_represent_fails_the_handler
    serve { Float::INFINITY }
    assert_equal "W_HANDLER", assert_raises(Pigato::RemoteError) { client.call("echo", 1) }.code
  end

  def test_a_rejected_request_goes_to_another_worker
    rejecting = Thread::Queue.new
    serve do |_request, reply|
      rejecting << true
      reply.reject("not me")
    end
    future = client.async_call("echo", 5)
    assert rejecting.pop
    serve
    assert_equal 5, future.value
  end

  def test_a_reply_sent_in_the_handler_replaces_its_return_value
    serve do |_request, reply|
      reply.finish("given")
      "returned"
    end
    assert_equal "given", client.call("echo")
  end

  def test_a_second_final_reply_is_an_error
    failed = Thread::Queue.new
    serve do |_request, reply|
      reply.finish(1)
      failed << assert_raises(Pigato::ClosedError) { reply.finish(2) }.code
      failed << assert_raises(Pigato::ClosedError) { reply.write(2) }.code
      failed << [reply.ended?, reply.active?, reply.cancelled?]
    end
    assert_equal 1, client.call("echo")
    assert_equal ["C_CLOSED", "C_CLOSED", [true, false, false]], Array.new(3) { failed.pop }
  end

  def test_a_handler_sees_that_its_request_was_cancelled
    seen = Thread::Queue.new
    serve do |_request, reply|
      seen << reply.active?
      Thread.pass until reply.cancelled?
      seen << reply.active?
      seen << assert_raises(Pigato::CancelledError) { reply.finish(1) }.code
    end
    future = client.async_call("echo", timeout: 30)
    assert_equal true, seen.pop
    future.cancel
    assert_equal [false, "C_CANCELLED"], [seen.pop, seen.pop]
  end

  def test_the_attributes_of_a_request
    asked = nil
    serve("ech*") { |request, _reply| (asked = request) && nil }
    client = client()
    client.call("echo", 1, timeout: 30)
    assert_equal ["echo", client.identity, 1, false], [asked.service, asked.client, asked.attempt, asked.raw?]
    assert_in_delta 30, asked.remaining, 30
    refute_empty asked.id
  end

  def test_the_broker_caches_a_reply
    runs = 0
    serve { |_request, reply| reply.finish(runs += 1, cache: 60) }
    client = client()
    assert_equal [1, 1, 2], [client.call("echo", 1), client.call("echo", 1), client.call("echo", 1, no_cache: true)]
  end

  def test_stopping_with_a_drain_waits_for_handlers
    running = Thread::Queue.new
    release = Thread::Queue.new
    worker = serve { (running << true) && release.pop }
    future = client.async_call("echo", timeout: 30)
    running.pop
    stopping = background { worker.stop(drain: 30) }
    eventually("it refuses more") { !worker.started? }
    release << "late"
    assert_equal "late", future.value
    assert stopping.join(PigatoTest::LIMIT)
  end

  def test_a_handler_may_stop_its_worker
    worker = serve do
      worker.stop
      1
    end
    assert_raises(Pigato::WorkerLostError) { client.call("echo", timeout: 30) }
    refute worker.started?
  end

  def test_a_handler_may_call_another_service
    serve("inner") { |request, _reply| request.data + 1 }
    client = client()
    serve("outer") { |request, _reply| client.call("inner", request.data) * 2 }
    assert_equal 8, client.call("outer", 3)
  end
end

class SignalTest < PigatoTest
  WORKER = <<~RUBY
    $stdout.sync = true
    worker = Pigato::Worker.new(ARGV[0], "slow")
    worker.run do |request, reply|
      puts "running"
      $stdin.gets if request.data == "wait"
      "done"
    end
    puts "after run: \#{trap(:TERM, "DEFAULT")}"
  RUBY

  def test_a_signal_ends_run_when_its_jobs_are_answered
    %i[TERM INT].each do |signal|
      ended = talk_to_worker do |input, output, process, future|
        Process.kill(signal, process)
        input.puts
        assert_equal "done", future.value
        assert_equal "after run: DEFAULT\n", output.gets
      end
      assert ended.success?, ended.inspect
    end
  end

  def test_a_second_signal_has_its_default_effect
    ended = talk_to_worker do |_input, _output, process, _future|
      eventually("it dies") do
        Process.kill(:TERM, process)
        false
      rescue Errno::ESRCH
        true
      end
    end
    assert_equal Signal.list["TERM"], ended.termsig
  end

  def talk_to_worker
    client = client()
    talk(WORKER, broker.endpoint) do |input, output, process|
      future = client.async_call("slow", "wait", timeout: 30)
      assert_equal "running\n", output.gets
      yield input, output, process, future
    end
  end
end
