# frozen_string_literal: true

require_relative "helper"
require_relative "../examples/rack"

class ExamplesTest < PigatoTest
  ROOT = File.expand_path("..", __dir__)

  # A program that offers a service, until the block ends.
  def offering(program, *arguments)
    talk(%(load "#{ROOT}/#{program}"), *arguments) do |_input, _output, process|
      yield
      Process.kill(:KILL, process)
    end
  end

  def load_program(program, *arguments)
    ruby(%(load "#{ROOT}/#{program}"), *arguments)
  end

  def test_the_readmes_examples
    programs = File.read(File.join(ROOT, "README.md")).scan(/```ruby\n(.*?)```(?:\n\n```text\n(.*?)```)?/m)
    refute_empty programs
    programs.each { |program, output| assert_equal output || "hello, world\n", ruby(program) }
  end

  def test_echo
    offering("examples/echo_worker.rb", broker.endpoint) do
      echoed = load_program("examples/echo_client.rb", broker.endpoint).lines(chomp: true)
      assert_equal Array.new(100) { |number| "#{number / 10}-#{number % 10}" }, echoed.sort
    end
  end

  def test_stocks
    offering("examples/stocks.rb", "worker", broker.endpoint) do
      assert_equal File.read("#{ROOT}/examples/stocks.csv"), load_program("examples/stocks.rb", "client", broker.endpoint)
    end
  end

  def test_programs_for_the_published_gem
    offering("test/published_programs/echo_worker.rb", broker.endpoint) do
      told = load_program("test/published_programs/echo_client.rb", broker.endpoint, "50")
      assert_equal ["50 of 50 answered"] * 12, told.lines(chomp: true)
    end
  end
end

class RackExampleTest < PigatoTest
  def setup
    super
    serve("greet") { |request, reply| request.data.empty? ? reply.error("who?") : "hello, #{request.data}" }
    @app = ServiceApp.new(client)
    eventually("the service is offered") { broker.directory.key?("greet") }
  end

  def get(path, query = "")
    status, headers, body = @app.call("REQUEST_METHOD" => "GET", "PATH_INFO" => path, "QUERY_STRING" => query)
    assert_equal "application/json", headers["content-type"]
    [status, JSON.parse(body.join)]
  end

  def test_a_service_answers
    assert_equal [200, "hello, world"], get("/greet", "world")
  end

  def test_a_services_error_is_a_bad_gateway
    status, body = get("/greet")
    assert_equal [502, nil], [status, body["code"]]
  end

  def test_a_service_that_nobody_offers_is_unavailable
    status, body = get("/nobody")
    assert_equal [503, "B_NO_WORKER"], [status, body["code"]]
  end

  def test_a_missing_service_name_is_not_found
    assert_equal 404, get("/").first
  end

  def test_many_threads_share_the_application
    threads = Array.new(20) { |number| background { get("/greet", number.to_s) } }
    assert_equal Array.new(20) { |number| [200, "hello, #{number}"] }, threads.map(&:value)
  end
end
