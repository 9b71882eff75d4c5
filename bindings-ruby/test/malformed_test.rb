# frozen_string_literal: true

require_relative "helper"

# Bodies that are not valid JSON.
class MalformedTest < PigatoTest
  NO_JSON = "{no json"

  # Waits until there may be events to drain.
  def wait(native)
    descriptor = native.begin_wait
    IO.for_fd(descriptor, autoclose: false).wait_readable(LIMIT / 2) || flunk("nothing comes") if descriptor
  end

  def drain(native)
    [].tap { |events| native.drain(events, 8) }
  end

  # A worker that answers every request with invalid JSON.
  def careless_worker
    native = Pigato::Native::Worker.start(broker.endpoint, "careless", "")
    is_done = false
    @threads << Thread.new do
      until is_done
        wait(native)
        drain(native).each do |event|
          native.finish(event[1], NO_JSON, "") if event[0] == :request
          is_done = true if event[0] == :stopped
        end
      end
      native.release
    end
    @owned << Class.new { define_method(:stop) { native.stop(0.0) } }.new
  end

  # Sends a request with invalid JSON.
  def ask_carelessly(service)
    native = Pigato::Native::Client.start(broker.endpoint, "")
    native.request(service, NO_JSON, "")
    loop do
      wait(native)
      failed = drain(native).find { |event| event[0] == :failed }
      return failed if failed
    end
  ensure
    native.stop
    native.release
  end

  def test_a_reply_that_is_not_json_is_a_protocol_error_and_the_client_goes_on
    careless_worker
    serve
    client = client(timeout: 20_000)
    error = assert_raises(Pigato::ProtocolError) { client.call("careless", 1) }
    assert_equal "E_DATA", error.code
    assert_raises(Pigato::ProtocolError) { client.stream("careless", 1).to_a }
    assert_raises(Pigato::ProtocolError) { client.async_call("careless", 1).value }
    assert_nil client.request("careless", 1)
    assert_equal 2, client.call("echo", 2)
  end

  def test_a_request_that_is_not_json_fails_and_no_handler_sees_it
    seen = Thread::Queue.new
    serve("svc") { |request, _reply| (seen << request.data) && request.data }
    _kind, _number, _final, origin, code, message = ask_carelessly("svc")
    assert_equal [:worker, "W_HANDLER"], [origin, code]
    assert_match(/E_DATA/, message)
    assert_equal 3, client.call("svc", 3, timeout: 20)
    assert_equal [3, true], [seen.pop, seen.empty?]
  end

  def test_a_request_that_is_not_json_is_not_received
    worker = worker("svc", timeout: 20_000)
    received = background { worker.recv.tap { |data| worker.reply(data) } }
    assert_equal "W_HANDLER", ask_carelessly("svc")[4]
    assert_equal "good", client.call("svc", "good", timeout: 20)
    assert_equal "good", received.value
  end
end

# Limits of a stream's queue for a reader that does not read. Workers with flow control never reach them.
class UnreadTest < PigatoTest
  MEBIBYTE = 1 << 20
  # The part of a client that a stream uses.
  Calls = Struct.new(:cancelled, :credit) do
    def cancel(call)
      cancelled << call.number
    end

    def consumed(_token)
      self.credit += 1
    end

    def exclusively
      yield
    end

    def stopped?
      false
    end

    def take(mailbox, _deadline)
      mailbox.shift
    end
  end

  def setup
    super
    @calls = Calls.new([], 0)
    @call = Pigato.const_get(:StreamedRequest).new(@calls).tap { |call| call.number = 7 }
    @body = "x" * MEBIBYTE
    @fitting = Pigato::Native::UNREAD_BYTES / MEBIBYTE
  end

  def deliver(count, body = @body)
    count.times { @call.deliver([:reply, 7, false, :raw, body, nil]) }
  end

  def test_a_stream_ends_with_busy_after_the_queued_bytes
    deliver(@fitting)
    assert_empty @calls.cancelled
    deliver(2)
    assert_equal [7], @calls.cancelled
    assert_equal [:reply] * @fitting, Array.new(@fitting) { @call.take.first }
    assert_equal [:failed, "C_BUSY"], @call.take.values_at(0, 4)
  end

  def test_reading_makes_room
    deliver(@fitting)
    @call.take
    deliver(1)
    assert_equal [[], 1], [@calls.cancelled, @calls.credit]
  end

  def test_one_partial_reply_may_be_larger_than_the_bound
    deliver(1, @body * (@fitting + 1))
    assert_empty @calls.cancelled
  end
end
