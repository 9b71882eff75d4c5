# frozen_string_literal: true

require_relative "helper"

class FuturesTest < PigatoTest
  stress :test_several_threads_may_wait_for_one_future, :test_stopping_the_client_ends_its_futures

  def test_the_value_of_a_future_is_the_reply
    serve
    client = client()
    futures = Array.new(10) { |number| client.async_call("echo", number) }
    assert_equal (0...10).to_a, futures.map(&:value)
    assert_equal 3, futures[3].value
  end

  def test_a_wait_for_one_future_completes_others
    serve
    client = client()
    first = client.async_call("echo", 1)
    client.call("echo", 2)
    assert first.wait(PigatoTest::LIMIT)
    assert first.done?
  end

  def test_a_wait_may_have_a_timeout
    future = client.async_call("nobody", timeout: 30)
    refute future.wait(0.01)
    assert_nil future.value(0.01)
    refute future.done?
  end

  def test_a_future_raises_the_error_of_its_request
    future = client.async_call("nobody", timeout: 0.01)
    assert future.wait
    assert_equal "C_TIMEOUT", assert_raises(Pigato::TimeoutError) { future.value }.code
    assert_raises(Pigato::TimeoutError) { future.value }
  end

  def test_a_cancelled_future
    future = client.async_call("nobody", timeout: 30)
    future.cancel
    assert_raises(Pigato::CancelledError) { future.value }
    future.cancel
  end

  def test_several_threads_may_wait_for_one_future
    release = Thread::Queue.new
    serve { release.pop }
    future = client.async_call("echo")
    threads = Array.new(5) { background { future.value } }
    eventually("they wait") { threads.all? { |thread| thread.status == "sleep" } }
    release << 7
    assert_equal [7] * 5, threads.map(&:value)
  end

  def test_stopping_the_client_ends_its_futures
    client = client()
    future = client.async_call("nobody", timeout: 30)
    client.stop
    assert_raises(Pigato::ClosedError) { future.value }
    assert future.done?
  end
end
