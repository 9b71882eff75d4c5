# frozen_string_literal: true

require "minitest/autorun"
require "open3"
require "rbconfig"
require "logger"
require "stringio"
require "timeout"
require "pigato"

# The base of all tests: stops the objects that a test makes, and bounds its time.
class PigatoTest < Minitest::Test
  # Seconds: a bound against hangs.
  LIMIT = ENV.key?("PIGATO_GC_STRESS") ? 300 : 60

  STRESSED = ENV.key?("PIGATO_GC_STRESS")
  ALL_STRESSED = ENV["PIGATO_GC_STRESS"] == "all"

  class << self
    # Repeats these tests under GC stress.
    def stress(*names)
      @stressed = names
    end

    def runnable_methods
      STRESSED && !ALL_STRESSED ? super & Array(@stressed).map(&:to_s) : super
    end
  end

  def setup
    @owned = []
    @threads = []
    @background = []
    GC.stress = STRESSED
  end

  def run
    Timeout.timeout(LIMIT) { super }
  end

  def teardown
    GC.stress = false
    @owned.reverse_each(&:stop)
    @threads.each { |thread| assert thread.join(LIMIT), "a thread goes on" }
    @background.each { |thread| assert ended?(thread), "a thread goes on" }
  end

  def ended?(thread)
    thread.join(LIMIT)
  rescue StandardError
    true # The test checks its error.
  end

  def own(object)
    @owned << object
    object
  end

  def broker(**conf)
    @broker ||= own(Pigato::Broker.new("tcp://127.0.0.1:*", { intch: nil }.merge(conf)).start)
  end

  def client(**conf)
    defaults = STRESSED ? { timeout: LIMIT * 1000 } : {}
    own(Pigato::Client.new(broker.endpoint, defaults.merge(conf)).start)
  end

  def worker(service = "echo", **conf)
    own(Pigato::Worker.new(broker.endpoint, service, conf).start)
  end

  # A worker whose handler runs on threads of its own until the test ends.
  def serve(service = "echo", concurrency: 2, **conf, &handler)
    handler ||= ->(request, _reply) { request.data }
    made = own(Pigato::Worker.new(broker.endpoint, service, conf))
    @threads << Thread.new { made.run(concurrency: concurrency, signals: false, &handler) }
    eventually("it starts") { made.started? }
    made
  end

  # A thread that may fail.
  def background(&block)
    thread = Thread.new(&block)
    thread.report_on_exception = false
    @background << thread
    thread
  end

  # Polls for the effect of another thread.
  def eventually(what, seconds = LIMIT / 2)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    until yield
      flunk "#{what} did not happen" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      Thread.pass
      sleep 0.002
    end
  end

  # Runs a program in a separate process. Returns its output; fails unless it exits with `status`.
  def ruby(program, *arguments, status: 0)
    output, ended = Open3.popen2e(*command(program), *arguments) do |input, out, process|
      input.close
      text = Timeout.timeout(LIMIT / 2) { out.read }
      [text, process.value]
    rescue Timeout::Error
      Process.kill(:KILL, process.pid)
      flunk "the program hangs; it wrote: #{out.read}"
    end
    assert_equal status, ended.exitstatus, "#{ended}: #{output}"
    output
  end

  # Runs a program and yields its input, output and process id.
  def talk(program, *arguments)
    Open3.popen2e(*command(program), *arguments) do |input, output, process|
      yield input, output, process.pid
      assert process.join(LIMIT / 2), "the program hangs"
      process.value
    ensure
      Process.kill(:KILL, process.pid) if process.alive?
    end
  end

  # INT has its default effect, which a test run in the background would ignore.
  def command(program)
    program = "trap(:INT, :DEFAULT)\n#{program}"
    [RbConfig.ruby, "-W0", "-I#{File.expand_path("../lib", __dir__)}", "-rpigato", "-e", program]
  end
end
