# frozen_string_literal: true

# The client: a thread for each request.
class ClientRole
  include Say

  # The exception with which `cancel` interrupts a request.
  class GivenUp < StandardError; end

  NEVER = { GivenUp => :never }.freeze
  IMMEDIATE = { GivenUp => :immediate }.freeze
  # A marker that differs from every reply.
  NOTHING = Object.new.freeze
  # The package's keywords for request options.
  NAMES = { "retry" => :retry, "workerId" => :worker_id, "failFast" => :fail_fast, "nocache" => :no_cache }.freeze
  private_constant :NEVER, :IMMEDIATE, :NOTHING, :NAMES

  def initialize(endpoint:, conf:, **)
    @client = Pigato::Client.new(endpoint, { **conf, logger: LifeLogger.new }).start
    @threads = {}
    @gates = {}
    # Only a caller that waits for a reply learns about the connection, and there is none yet.
    say("ready")
  end

  def request(line)
    tag = line["tag"]
    @gates[tag] = Thread::Queue.new if line["hold"]
    # Only waiting is interrupted, never the printing of an outcome.
    @threads[tag] = Thread.handle_interrupt(NEVER) { Thread.new { follow(line) } }
  end

  def cancel(line)
    @threads.fetch(line["tag"]).raise(GivenUp)
  end

  def read(line)
    @gates.fetch(line["tag"]).close
  end

  def flood(line)
    options = options_of(line)
    futures = Array.new(line["count"]) { |number| @client.async_call(line["service"], number, **options) }
    Thread.new do
      outcomes = futures.map { |future| outcome_of(future) }
      wrong = outcomes.each_with_index.reject { |outcome, number| outcome == number }.map(&:first)
      say("flooded", tag: line["tag"], ok: futures.length - wrong.length, failed: wrong.length, first_error: wrong.first)
    end
  end

  def stop
    @client.stop
    @threads.each_value(&:join)
  end

  private

  def outcome_of(future)
    future.value
  rescue Pigato::Error => error
    error.code
  end

  # Prints the replies. The stream does not mark the last reply, so each is printed when the next
  # one arrives.
  def follow(line)
    tag = line["tag"]
    told = NOTHING
    final = stream(line) do |value|
      say("partial", tag: tag, error: 0, **data_of(told)) unless told.equal?(NOTHING)
      told = value
      Thread.handle_interrupt(IMMEDIATE) { @gates[tag].pop } if @gates.key?(tag)
    end
    # The stream omits a final reply that is nil.
    say("partial", tag: tag, error: 0, **data_of(told)) if final.nil? && !told.equal?(NOTHING)
    say("final", tag: tag, error: 0, **data_of(final))
  rescue GivenUp
    say("final", tag: tag, error: "C_CANCELLED")
  rescue Pigato::Error => error
    say("partial", tag: tag, error: 0, **data_of(told)) unless told.equal?(NOTHING)
    say("final", tag: tag, error: error.value.nil? ? error.code : error.value)
  end

  def stream(line, &block)
    options = options_of(line)
    data = line["data"]
    if line.key?("bytes")
      data = [line["bytes"]].pack("H*")
      options[:raw] = true
    end
    @client.stream(line["service"], data, **options, &block)
  end

  def options_of(line)
    given = { headers: {} }
    line.fetch("opts", {}).each do |name, value|
      if name == "timeout" then given[:timeout] = value.negative? ? Float::INFINITY : value / 1000.0
      elsif NAMES.key?(name) then given[NAMES[name]] = value
      else given[:headers][name] = value
      end
    end
    given
  end
end
