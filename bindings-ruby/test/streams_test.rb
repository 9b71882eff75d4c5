# frozen_string_literal: true

require_relative "helper"

class StreamsTest < PigatoTest
  stress :test_an_enumerator_yields_replies_one_by_one, :test_an_error_ends_the_stream, :test_leaving_the_block_cancels_the_request

  def counting
    serve do |request, reply|
      request.data.times { |number| reply.write(number) }
      "end"
    end
  end

  def test_the_block_gets_every_reply_in_order
    counting
    parts = []
    assert_equal("end", client.stream("echo", 3) { |part| parts << part })
    assert_equal [0, 1, 2, "end"], parts
  end

  def test_a_nil_final_reply_is_not_yielded
    serve { |_request, reply| reply.write("only").finish }
    parts = []
    assert_nil(client.stream("echo") { |part| parts << part })
    assert_equal ["only"], parts
  end

  def test_an_enumerator_yields_replies_one_by_one
    counting
    parts = client.stream("echo", 2)
    assert_equal [0, 1, "end"], [parts.next, parts.next, parts.next]
    assert_raises(StopIteration) { parts.next }
    assert_equal [0, 1, "end"], parts.to_a
  end

  def test_an_error_ends_the_stream
    serve do |_request, reply|
      reply.write(1)
      reply.error("enough")
    end
    parts = []
    error = assert_raises(Pigato::RemoteError) { client.stream("echo") { |part| parts << part } }
    assert_equal [[1], "enough"], [parts, error.value]
  end

  def test_leaving_the_block_cancels_the_request
    cancelled = Thread::Queue.new
    serve do |_request, reply|
      loop { reply.write(1) }
    rescue Pigato::CancelledError => error
      cancelled << error.code
    end
    assert_equal(1, client.stream("echo") { |part| break part })
    assert_equal "C_CANCELLED", cancelled.pop
  end
end

class BackPressureTest < PigatoTest
  def test_an_unread_stream_stops_only_its_worker
    written = 0
    serve("endless", concurrency: 1) do |_request, reply|
      loop { written += reply.write(1) ? 1 : 0 }
    rescue Pigato::CancelledError
      nil
    end
    serve("echo")
    client = client()
    parts = client.stream("endless")
    parts.next
    # Each call processes all of the client's events: after these the stream's credit is used up.
    before = nil
    eventually("the worker stops") do
      before = written
      20.times { client.call("echo", 1) }
      before == written
    end
    assert_operator written, :<, 10_000
    5_000.times { parts.next }
    assert_operator written, :>, 3_000
    client.stop
    assert_raises(Pigato::ClosedError) { loop { parts.next } }
  end

  def test_a_writer_waits_for_the_reader_and_loses_nothing
    serve("count") { |request, reply| request.data.times { |number| reply.write(number) } && nil }
    assert_equal (0...5000).to_a + [5000], client.stream("count", 5000).to_a[0, 5000] + [5000]
  end
end
