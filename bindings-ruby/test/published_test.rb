# frozen_string_literal: true

require_relative "helper"
require_relative "published_peer"

# Ruby and the published JavaScript package, live, in every role.
class PublishedTest < PigatoTest
  THREADS = 50
  REQUESTS = 10_000
  MEBIBYTES = 16
  # JSON of every kind; strings with what encoders trip over.
  BODIES = [nil, true, 0, -1.5, "", "grüße \u{1F426} \u2028 \u0000 \"\\", (0..255).map(&:chr).join.unpack("C*").pack("U*"),
            [], {}, { "täg" => [1, [2, { "x" => nil }]] }].freeze
  # Milliseconds between heartbeats: how soon a killed worker is missed.
  QUICK = { heartbeat: 300 }.freeze

  # A worker of this gem that behaves like the published one.
  ANSWER = lambda do |request, reply|
    data = request.data
    next data unless data.is_a?(Hash) && data.key?("do")

    case data["do"]
    when "echo" then data["value"]
    when "error" then reply.error(data["value"])
    when "partials" then Array.new(data["count"]) { |number| reply.write(number) } && data["count"]
    end
  end

  def peer(role, *options, endpoint: broker.endpoint, **conf)
    peer = own(PublishedPeer.new(role, "--endpoint", endpoint, "--conf", JSON.generate(conf), *options))
    @ready = peer.event(event: "ready")
    peer
  end

  def published_worker(*options, **conf)
    peer("worker", "--service", "svc", *options, **conf)
  end

  def published_broker
    peer("broker", "--intch", "tcp://127.0.0.1:*", endpoint: "tcp://127.0.0.1:*")
    @broker = Struct.new(:endpoint).new(@ready["endpoint"])
  end

  def assert_understood_by_our_client
    client = client(timeout: 30_000)
    BODIES.each { |body| assert_equal [body], [client.call("svc", { do: "echo", value: body })] }
    assert_equal [0, 1, 2], client.request("svc", { do: "partials", count: 2 })
    assert_equal [0, 1, 2], client.stream("svc", { do: "partials", count: 2 }).to_a
    error = assert_raises(Pigato::RemoteError) { client.call("svc", { do: "error", value: { "reason" => "no" } }) }
    assert_equal({ "reason" => "no" }, error.value)
  end

  def assert_understood_by_a_published_client
    client = peer("client")
    BODIES.each_with_index do |body, index|
      assert_equal({ error: 0, final: body, partials: [] }, client.request(index, "svc", { do: "echo", value: body }))
    end
    assert_equal({ error: 0, final: 3, partials: [0, 1, 2] }, client.request("p", "svc", { do: "partials", count: 3 }))
    assert_equal({ error: { "reason" => "no" }, final: nil, partials: [] },
                 client.request("e", "svc", { do: "error", value: { reason: "no" } }))
  end

  def test_a_published_worker_answers_our_client
    published_worker
    assert_understood_by_our_client
  end

  def test_our_worker_answers_a_published_client
    serve("svc", &ANSWER)
    assert_understood_by_a_published_client
  end

  def test_published_client_and_worker_meet_at_our_broker
    published_worker
    assert_understood_by_a_published_client
  end

  def test_our_client_and_worker_meet_at_a_published_broker
    published_broker
    serve("svc", &ANSWER)
    assert_understood_by_our_client
  end

  def test_what_a_published_worker_rejects_ours_answers
    published_worker.say(op: "reject", value: true)
    client = client(timeout: 30_000)
    rejected = client.async_call("svc", "mine")
    serve("svc") { |request, _reply| request.data.upcase }
    assert_equal "MINE", rejected.value
  end

  def test_what_our_worker_rejects_a_published_one_answers
    rejected = Thread::Queue.new
    serve("svc") do |request, reply|
      reply.reject("not I")
      rejected << request.id
    end
    client = peer("client")
    client.say(op: "request", tag: "r", service: "svc", data: "yours", opts: { timeout: 30_000 })
    rejected.pop
    published_worker
    assert_equal "yours", client.event(event: "final", tag: "r")["data"]
  end

  def test_a_published_worker_that_does_not_answer_costs_a_timeout
    published_worker
    error = assert_raises(Pigato::TimeoutError) { client.call("svc", { do: "never" }, timeout: 0.1) }
    assert_equal "C_TIMEOUT", error.code
  end

  def test_our_worker_that_does_not_answer_costs_a_published_client_a_timeout
    release = Thread::Queue.new
    serve("svc") { release.pop }
    assert_equal({ error: "C_TIMEOUT", final: nil, partials: [] },
                 peer("client", **QUICK).request("t", "svc", nil, { timeout: 100 }))
    release << nil
  end

  def test_a_request_is_retried_when_a_published_worker_is_killed
    broker(**QUICK)
    doomed = published_worker("--verbose", **QUICK)
    future = client(**QUICK).async_call("svc", { do: "never" }, timeout: 30, retry: true)
    doomed.event(event: "request")
    attempts = Thread::Queue.new
    serve("svc", **QUICK) { |request, _reply| "done".tap { attempts << request.attempt } }
    doomed.kill
    assert_equal "done", future.value
    assert_equal 2, attempts.pop
  end

  def test_a_published_client_is_retried_when_our_worker_is_killed
    broker(**QUICK)
    # One that is quick itself would drop its request when this machine is busy for three heartbeats.
    client = peer("client")
    program = "$stdout.sync = true; worker = Pigato::Worker.new(*ARGV, heartbeat: 300).start; loop { p worker.recv }"
    talk(program, broker.endpoint, "svc") do |_input, output, process|
      client.say(op: "request", tag: "k", service: "svc", data: "again", opts: { timeout: 30_000, retry: 1 })
      output.each_line.find { |line| line.include?("again") }
      published_worker(**QUICK)
      Process.kill(:KILL, process)
      assert_equal "again", client.event(event: "final", tag: "k")["data"]
    end
  end

  def test_ten_thousand_requests_from_fifty_threads_to_a_published_worker
    published_worker
    client = client(timeout: 50_000)
    threads = Array.new(THREADS) do |thread|
      background do
        (0...REQUESTS / THREADS).reject { |number| client.call("svc", [thread, number]) == [thread, number] }
      end
    end
    assert_empty threads.flat_map(&:value)
  end

  def test_ten_thousand_requests_of_a_published_client_to_our_threads
    serve("svc", concurrency: THREADS, &ANSWER)
    client = peer("client")
    client.say(op: "flood", tag: "f", service: "svc", count: REQUESTS)
    flooded = client.event(event: "flooded", tag: "f")
    assert_equal [REQUESTS, 0], flooded.values_at("ok", "failed"), flooded["first_error"]
  end

  def test_large_bodies_pass
    body = "\u{fc}" * (MEBIBYTES * 512 * 1024)
    worker = published_worker
    assert_equal body, client.call("svc", body, timeout: 50)
    worker.stop
    @owned.delete(worker)
    serve("svc") { |request, _reply| request.data }
    assert_equal body, peer("client").request("l", "svc", body)[:final]
  end

  # The package knows no bytes that are not JSON, and says so in its own way.
  def test_a_published_worker_receives_bytes_as_nil
    published_worker
    assert_nil client.call("svc", "\x00\xff".b, raw: true, timeout: 20)
  end

  def test_bytes_pass_our_broker_beside_published_workers
    serve("bytes")
    published_worker
    bytes = (0..255).to_a.pack("C*")
    client = client(timeout: 20_000)
    assert_equal bytes, client.call("bytes", bytes, raw: true)
    assert_equal "text", client.call("svc", "text")
  end
end
