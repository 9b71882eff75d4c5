# frozen_string_literal: true

require_relative "helper"

class ErrorsTest < PigatoTest
  def test_a_timeout
    error = assert_raises(Pigato::TimeoutError) { client.call("nobody", timeout: 0.01) }
    assert_equal ["C_TIMEOUT", :local], [error.code, error.origin]
    assert_kind_of Pigato::Error, error
  end

  def test_an_error_value_of_the_services
    serve { |_request, reply| reply.error({ "code" => "E_OWN", "n" => 1 }, headers: { hint: "later" }) }
    error = assert_raises(Pigato::RemoteError) { client.call("echo") }
    assert_equal [nil, :worker, { "code" => "E_OWN", "n" => 1 }], [error.code, error.origin, error.value]
    assert_equal "later", error.options["hint"]
  end

  def test_an_exception_in_the_handler
    serve { raise ArgumentError, "no such bird" }
    error = assert_raises(Pigato::RemoteError) { client.call("echo") }
    assert_equal ["W_HANDLER", "no such bird"], [error.code, error.value["message"]]
  end

  def test_fail_fast_without_a_worker
    error = assert_raises(Pigato::NoWorkerError) { client.call("nobody", fail_fast: true) }
    assert_equal ["B_NO_WORKER", :broker], [error.code, error.origin]
  end

  def test_a_lost_worker
    taken = Thread::Queue.new
    worker = worker("echo")
    background { taken << worker.recv }
    future = client.async_call("echo", "lost")
    assert_equal "lost", taken.pop
    worker.stop
    error = assert_raises(Pigato::WorkerLostError) { future.value }
    assert_equal "B_WORKER_LOST", error.code
  end

  def test_every_core_code_makes_an_error_with_its_message
    Pigato::Native.error_codes.each do |code, message|
      error = Pigato::Error.of(code)
      assert_equal [code, "#{code}: #{message}"], [error.code, error.message]
    end
  end

  def test_codes_with_a_class_exist_in_the_core
    chosen = Pigato::Error.send(:const_get, :CLASSES).keys
    assert_empty chosen - Pigato::Native.error_codes.keys
  end

  def test_arguments_of_the_wrong_kind_are_errors
    assert_raises(TypeError) { Pigato::Client.new(7).start }
    assert_raises(TypeError) { Pigato::Native::Client.start("tcp://127.0.0.1:1", nil) }
    assert_equal "E_OPTION", assert_raises(Pigato::Error) { client.call("x" * 256) }.code
    assert_equal "E_OPTION", assert_raises(Pigato::Error) { client.call("echo", timeout: -5) }.code
  end
end
