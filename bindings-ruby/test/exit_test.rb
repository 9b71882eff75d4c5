# frozen_string_literal: true

require_relative "helper"

# A program exits cleanly whatever it has open.
class ExitTest < PigatoTest
  EVERYTHING = <<~RUBY
    Thread.report_on_exception = false
    broker = Pigato::Broker.new("tcp://127.0.0.1:*", intch: "tcp://127.0.0.1:*").start
    directory = Pigato::Directory.new(broker.endpoint, intch: broker.intch).start
    worker = Pigato::Worker.new(broker.endpoint, "echo")
    Thread.new { worker.run(concurrency: 3, signals: false) { |request, reply| reply.write(1); request.data } }
    Thread.new { Pigato::Worker.new(broker.endpoint, "other").start.recv }
    client = Pigato::Client.new(broker.endpoint).start
    client.call("echo", 1, timeout: 20)
    stream = client.stream("echo", 1)
    stream.next
    futures = Array.new(10) { client.async_call("nobody", timeout: 20) }
    3.times { Thread.new { client.call("nobody", timeout: 20) } }
    Thread.pass
  RUBY

  def test_at_the_end_of_the_program
    assert_equal "", ruby(EVERYTHING)
  end

  def test_by_exit
    ruby("#{EVERYTHING}\nexit 3", status: 3)
  end

  def test_by_exit_in_a_thread
    ruby("#{EVERYTHING}\nThread.new { exit 4 }.join", status: 4)
  end

  def test_by_an_exception
    assert_match(/goodbye/, ruby("#{EVERYTHING}\nraise 'goodbye'", status: 1))
  end

  def test_by_exit_without_handlers
    ruby("#{EVERYTHING}\nexit! 5", status: 5)
  end

  def test_with_at_exit_handlers
    assert_equal "1\n", ruby("#{EVERYTHING}\nat_exit { puts client.call('echo', 1, timeout: 20); client.stop }")
  end

  def test_after_a_fork
    ruby("#{EVERYTHING}\nprocess = fork { exit 0 }\nProcess.wait(process)\nexit $?.exitstatus || 9")
  end

  def test_while_a_handler_runs
    assert_equal "", ruby(<<~RUBY)
      broker = Pigato::Broker.new("tcp://127.0.0.1:*", intch: nil).start
      worker = Pigato::Worker.new(broker.endpoint, "stuck")
      running = Queue.new
      Thread.new { worker.run(signals: false) { (running << true) && sleep } }
      Pigato::Client.new(broker.endpoint).start.async_call("stuck", timeout: 20)
      running.pop
    RUBY
  end
end
