# frozen_string_literal: true

require "json"
require "open3"

# The published JavaScript package in one role, in a process of its own; both directions carry one JSON object per line.
class PublishedPeer
  PROGRAM = File.expand_path("../../interop-tests/drivers/published/peer.js", __dir__)
  PACKAGE = File.join(File.dirname(PROGRAM), "node_modules/pigato")
  # Seconds: a bound against hangs.
  LIMIT = 40

  def initialize(role, *options)
    raise "the published package is missing: run `npm ci` in #{File.dirname(PROGRAM)}" unless File.exist?(PACKAGE)

    @input, @output, @process = Open3.popen2("node", PROGRAM, role, *options)
    @said = []
    @lock = Mutex.new
    @news = ConditionVariable.new
    @reader = Thread.new { @output.each_line { |line| heard(JSON.parse(line)) } }
  end

  def pid
    @process.pid
  end

  def say(line)
    @input.puts(JSON.generate(line))
  end

  # The first line with these keys and values that was not taken yet.
  def event(**wanted)
    deadline = now + LIMIT
    @lock.synchronize do
      loop do
        index = @said.index { |line| wanted.all? { |key, value| line[key.to_s] == value } }
        return @said.delete_at(index) if index

        left = deadline - now
        raise "no #{wanted} came, but #{@said}" unless left.positive? && @process.alive?

        @news.wait(@lock, left)
      end
    end
  end

  # What the final callback of a request got, and the partial replies before.
  def request(tag, service, data, opts = {})
    say(op: "request", tag: tag, service: service, data: data, opts: opts)
    final = event(event: "final", tag: tag)
    partials = @lock.synchronize { @said.select { |line| line["event"] == "partial" && line["tag"] == tag } }
    { error: final["error"], final: final["data"], partials: partials.map { |line| line["data"] } }
  end

  def kill
    Process.kill(:KILL, pid)
    @process.join
  end

  def stop
    @input.close
    Process.kill(:KILL, pid) if @process.alive? && !@process.join(LIMIT)
    @reader.join
    @output.close
  end

  private

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def heard(line)
    @lock.synchronize do
      @said << line
      @news.broadcast
    end
  end
end
