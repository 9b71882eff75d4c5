# frozen_string_literal: true

require_relative "helper"

# The published gem's interface.
class DropInTest < PigatoTest
  stress :test_a_request_returns_the_reply, :test_a_request_without_an_answer_returns_nil

  def answering(replies, service = "echo")
    worker = worker(service)
    background { replies.times { worker.reply(worker.recv) } }
    worker
  end

  def test_a_request_returns_the_reply
    answering(1)
    data = { "text" => "grüße \u{1F426}", "list" => [1, 2.5, nil, true], "empty" => {} }
    assert_equal data, client.request("echo", data)
  end

  def test_a_request_without_an_answer_returns_nil
    assert_nil client(timeout: 20).request("nobody", 1)
  end

  def test_a_request_may_have_a_timeout_of_its_own
    assert_nil client.request("nobody", 1, timeout: 20)
    assert_nil client.request("nobody", 1, "timeout" => 20)
  end

  def test_partial_replies_make_an_array
    serve { |_request, reply| reply.write("a").write("b") && "c" }
    assert_equal %w[a b c], client.request("echo", nil)
  end

  def test_partial_replies_without_a_final_one_end_in_nil
    release = Thread::Queue.new
    serve do |_request, reply|
      reply.write("a")
      release.pop
    end
    assert_equal ["a", nil], client(timeout: 100).request("echo", nil)
    release << nil
  end

  def test_a_request_returns_the_value_of_an_error
    serve { |_request, reply| reply.error({ "reason" => "none" }) }
    assert_equal({ "reason" => "none" }, client.request("echo", nil))
  end

  def test_options_of_a_request_reach_the_worker
    serve { |request, _reply| request.options["color"] }
    assert_equal "red", client.request("echo", nil, color: "red")
  end

  def test_recv_returns_nil_without_a_request
    assert_nil worker("echo", timeout: 10).recv
  end

  def test_a_reply_without_a_request_returns_false
    worker = worker("echo", timeout: 1)
    worker.recv
    refute worker.reply("who asks?")
  end

  def test_autostart_starts
    worker = own(Pigato::Worker.new(broker.endpoint, "echo", autostart: true))
    background { worker.reply(worker.recv) }
    client = own(Pigato::Client.new(broker.endpoint, autostart: true))
    assert_equal 1, client.request("echo", 1)
  end

  def test_use_before_the_start_is_an_error
    error = assert_raises(Pigato::ClosedError) { Pigato::Client.new(broker.endpoint).request("echo", 1) }
    assert_equal "C_CLOSED", error.code
    assert_raises(Pigato::ClosedError) { Pigato::Worker.new(broker.endpoint, "echo").recv }
  end

  def test_a_stopped_client_starts_again
    serve
    client = client()
    client.stop
    client.stop
    assert_equal 1, client.start.request("echo", 1)
  end

  def test_default_timeouts_are_those_of_the_published_gem
    assert_equal 2500, Pigato::Client.new("tcp://127.0.0.1:1").conf[:timeout]
    assert_equal [2500, 2500], Pigato::Worker.new("tcp://127.0.0.1:1", "echo").conf.values_at(:timeout, :reconnect)
  end

  def test_constants
    assert_equal %w[C W 1 2 3 4 5 6 7],
                 [Pigato::C_CLIENT, Pigato::W_WORKER, Pigato::W_READY, Pigato::W_REQUEST, Pigato::W_REPLY, Pigato::W_HEARTBEAT,
                  Pigato::W_DISCONNECT, Pigato::W_REPLY_PARTIAL, Pigato::W_REPLY_REJECT]
  end
end
