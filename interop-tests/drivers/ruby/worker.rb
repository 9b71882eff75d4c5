# frozen_string_literal: true

require "fiddle"

# The worker, with the behaviours that a request's data selects: ../PROTOCOL.md, "What a worker
# does".
class WorkerRole
  include Say

  CRASHED = 9
  # Seconds between two checks whether a request is cancelled.
  LOOK = 0.01
  # Waits while no other Ruby thread can run.
  POLL = Fiddle::Function.new(Fiddle::Handle::DEFAULT["poll"], [Fiddle::TYPE_VOIDP, Fiddle::TYPE_LONG, Fiddle::TYPE_INT],
                              Fiddle::TYPE_INT, need_gvl: true)
  private_constant :CRASHED, :LOOK, :POLL

  def initialize(endpoint:, service:, conf:, verbose:)
    @is_verbose = verbose
    @is_rejecting = false
    @requests = 0
    @lock = Mutex.new
    @runs = []
    @worker = Pigato::Worker.new(endpoint, service, { **conf, logger: LifeLogger.new(says_ready: true) })
    conf.key?(:concurrency) ? run(concurrency: conf[:concurrency]) : run
  end

  # Another `run` adds threads and announces the new concurrency to the broker.
  def concurrency(line)
    run(concurrency: line["value"])
  end

  def reject(line)
    @is_rejecting = line["value"] != false
    say("told")
  end

  def drain(line)
    Thread.new do
      @worker.stop(drain: line["ms"] / 1000.0)
      say("drained")
    end
  end

  def stop
    @worker.stop
    @runs.each(&:join)
  end

  private

  def run(**options)
    @runs << Thread.new { @worker.run(signals: false, **options) { |request, reply| handle(request, reply) } }
  end

  def handle(request, reply)
    return request.data if request.raw?

    number = @lock.synchronize { @requests += 1 }
    say("request", request: number, attempt: request.attempt, data: request.data) if @is_verbose
    return reply.reject("told to reject") if @is_rejecting

    answer(request, reply)
  rescue Pigato::CancelledError
    say("cancelled", request: number) if @is_verbose
  end

  def answer(request, reply)
    data = request.data
    return data unless data.is_a?(Hash) && data.key?("do")

    case data["do"]
    when "echo" then echo(data, reply)
    when "partials" then partials(data, reply)
    when "count" then count(data, reply)
    when "text" then "x" * data["length"]
    when "error" then reply.error(data["value"])
    when "throw" then raise data["value"]
    when "reject" then reply.reject(data["value"])
    when "sleep" then pause(reply, data["ms"]) && data["value"]
    when "block" then POLL.call(nil, 0, data["ms"]) && data["value"]
    when "never" then pause(reply, nil)
    when "crash" then exit!(CRASHED)
    when "pid" then Process.pid
    when "opts" then request.options
    when "attempt" then request.attempt
    else reply.error("unknown behaviour: #{data["do"]}")
    end
  end

  def echo(data, reply)
    headers = data["replyOpts"] or return data["value"]
    reply.finish(data["value"], cache: headers["cache"] && headers["cache"] / 1000.0, headers: headers.except("cache"))
  end

  def partials(data, reply)
    data["count"].times do |number|
      reply.write(data.key?("item") ? data["item"] : number)
      pause(reply, data["ms"]) if data.key?("ms")
    end
    data.key?("error") ? reply.error(data["error"]) : data["count"]
  end

  # Sends partial replies until the request is cancelled.
  def count(data, reply)
    (0..).each do |number|
      reply.write(number)
      pause(reply, data["ms"])
    end
  end

  # Waits until the request is cancelled; without a limit if the time is nil.
  def pause(reply, milliseconds)
    ending = milliseconds && now + milliseconds / 1000.0
    while ending.nil? || now < ending
      raise Pigato::Error.of("C_CANCELLED") if reply.cancelled?

      sleep(ending ? (ending - now).clamp(0, LOOK) : LOOK)
    end
    true
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
