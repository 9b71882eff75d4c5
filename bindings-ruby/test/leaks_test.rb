# frozen_string_literal: true

require_relative "helper"

class LeaksTest < PigatoTest
  CLIENTS = 1_000

  def test_stopped_clients_leak_nothing
    serve
    use(50)
    before = usage
    use(CLIENTS)
    assert_usage(before)
  end

  def test_unreferenced_clients_leak_nothing
    broker
    serve
    forget(50)
    before = usage
    forget(200)
    assert_usage(before)
  end

  private

  def use(count)
    count.times do
      client = Pigato::Client.new(broker.endpoint).start
      assert_equal 1, client.call("echo", 1, timeout: 30)
      client.stop
    end
  end

  def forget(count)
    count.times { Pigato::Client.new(broker.endpoint).start.call("echo", 1, timeout: 30) }
  end

  def usage
    GC.start
    { threads: Dir.children("/proc/self/task").length, descriptors: Dir.children("/proc/self/fd").length,
      kilobytes: File.read("/proc/self/status")[/VmRSS:\s+(\d+)/, 1].to_i }
  end

  def assert_usage(before)
    # The conservative garbage collector may keep a few.
    eventually("what is left goes away") do
      after = usage
      after[:threads] <= before[:threads] && after[:descriptors] <= before[:descriptors] + 30
    end
    assert_operator usage[:kilobytes], :<, before[:kilobytes] + 30_000
  end
end
