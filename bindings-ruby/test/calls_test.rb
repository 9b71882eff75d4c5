# frozen_string_literal: true

require_relative "helper"

class CallsTest < PigatoTest
  stress :test_raw_data_are_bytes_both_ways, :test_keys_are_symbols_by_option, :test_the_directory,
         :test_data_that_json_cannot_represent_is_an_error, :test_the_error_names_an_unknown_option

  def test_a_call_returns_the_final_reply
    serve { |request, reply| reply.write(1) && request.data.sum }
    assert_equal 6, client.call("echo", [1, 2, 3])
  end

  def test_headers_reach_the_worker
    serve { |request, _reply| request.options.slice("trace", "span") }
    assert_equal({ "trace" => "abc", "span" => [1] }, client.call("echo", headers: { trace: "abc", "span" => [1] }))
  end

  def test_a_call_may_be_for_one_worker
    first = serve { "first" }
    serve { "second" }
    client = client()
    eventually("both offer it") { client.workers("echo").length == 2 }
    assert_equal(%w[first first first], Array.new(3) { client.call("echo", worker_id: first.identity) })
  end

  def test_an_unknown_option_is_an_argument_error
    error = assert_raises(ArgumentError) { client.call("echo", 1, timout: 3) }
    assert_match(/timout/, error.message)
  end

  def test_raw_data_are_bytes_both_ways
    serve { |request, _reply| request.raw? ? request.data.reverse : "not raw" }
    bytes = (0..255).to_a.pack("C*")
    answer = client.call("echo", bytes, raw: true)
    assert_equal bytes.reverse, answer
    assert_equal Encoding::BINARY, answer.encoding
  end

  def test_a_worker_may_answer_with_bytes
    serve { |_request, reply| reply.finish("\xff\x00".b, raw: true) }
    assert_equal "\xff\x00".b, client.call("echo")
  end

  def test_raw_data_are_a_string
    error = assert_raises(Pigato::ProtocolError) { client.call("echo", [1], raw: true) }
    assert_equal "E_DATA", error.code
  end

  def test_keys_are_symbols_by_option
    serve(symbolize_names: true) { |request, _reply| { got: request.data.keys.map(&:class).map(&:name) } }
    assert_equal({ got: ["Symbol"] }, client(symbolize_names: true).call("echo", { a: 1 }))
    assert_equal({ "got" => ["Symbol"] }, client.call("echo", { a: 1 }))
  end

  def test_data_that_json_cannot_represent_is_an_error
    [Float::NAN, "\xff"].each do |data|
      error = assert_raises(Pigato::ProtocolError) { client.call("echo", data) }
      assert_equal "E_DATA", error.code
    end
  end

  def test_large_data
    serve
    text = "x" * (1 << 20)
    assert_equal text, client.call("echo", text)
  end

  def test_the_directory
    worker = serve("listed")
    client = client()
    eventually("it is listed") { client.directory.key?("listed") }
    assert_equal [worker.identity], client.workers("listed").map(&:b)
    assert_equal [], client.workers("unlisted")
    assert_equal({ "listed" => [worker.identity.dup.force_encoding("UTF-8")] }, broker.directory)
  end

  def test_statistics
    serve
    client.call("echo", 1)
    assert_equal 1, broker.statistics[:requests]
  end

  def test_a_directory_service_answers_for_the_broker
    @broker = own(Pigato::Broker.new("tcp://127.0.0.1:*", intch: "tcp://127.0.0.1:*").start)
    own(Pigato::Directory.new(broker.endpoint, intch: broker.intch).start)
    worker = serve("listed")
    client = client()
    eventually("it is listed") { client.workers("listed") == [worker.identity.dup.force_encoding("UTF-8")] }
    assert broker.directory.key?("$dir")
  end

  def test_the_error_names_an_unknown_option
    error = assert_raises(Pigato::Error) { client(heart_beat: 1) }
    assert_equal "E_OPTION", error.code
    assert_match(/heartBeat/, error.message)
  end

  def test_an_invalid_endpoint_is_an_error
    error = assert_raises(Pigato::Error) { Pigato::Client.new("nowhere").start }
    assert_equal "E_ENDPOINT", error.code
    error = assert_raises(Pigato::Error) { Pigato::Broker.new(broker.endpoint, intch: nil).start }
    assert_equal "E_ENDPOINT", error.code
  end

  def test_the_logger_records_the_connection
    text = StringIO.new
    serve
    client(logger: Logger.new(text)).call("echo", 1)
    assert_match(/pigato client: connected/, text.string)
  end
end
