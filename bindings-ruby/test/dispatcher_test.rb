# frozen_string_literal: true

require_relative "helper"

# The hand-off of events and of the lead between threads, whatever happens to the threads.
class DispatcherTest < PigatoTest
  stress :test_all_calls_end_while_threads_are_killed_and_raised_into_at_random

  # Without naps every lost wake-up blocks a thread until the end of the test.
  WITHOUT_NAPS = <<~RUBY
    dispatcher = Pigato.const_get(:Dispatcher)
    %i[NAP LATE].each do |name|
      dispatcher.send(:remove_const, name)
      dispatcher.const_set(name, 3600.0)
    end
  RUBY

  # Threads call until each has its replies, while another kills and raises into them; prints what is not as it has to be.
  STORM = <<~RUBY
    Thread.report_on_exception = false
    Stop = Class.new(StandardError)
    client = Pigato::Client.new(ARGV[0]).start
    threads, calls, interruptions, seed = ARGV[1, 4].map(&:to_i)
    random = Random.new(seed)
    left = Array.new(threads, calls)
    caller = lambda do |number|
      Thread.handle_interrupt(Stop => :never) do
        while left[number].positive?
          begin
            data = [number, left[number]]
            reply = Thread.handle_interrupt(Stop => :immediate) { client.call("echo", data, timeout: 30) }
            abort("another reply: \#{reply}") unless reply == data
            left[number] -= 1
          rescue Stop
            nil
          end
        end
      end
    end
    running = Array.new(threads) { |number| Thread.new(number, &caller) }
    # The number of interruptions is bounded: where calls are slow, each would be interrupted before its reply.
    until left.all?(&:zero?)
      number = random.rand(threads)
      interruptions -= 1
      if interruptions.negative?
        nil
      elsif running[number].alive?
        random.rand(4).zero? ? running[number].kill : running[number].raise(Stop)
      elsif left[number].positive?
        running[number] = Thread.new(number, &caller)
      end
      sleep(random.rand * 0.001)
      running.each_with_index { |thread, index| running[index] = Thread.new(index, &caller) unless thread.alive? || left[index].zero? }
    end
    running.each(&:join)
    abort("the next call fails") unless client.call("echo", "after", timeout: 30) == "after"
    client.stop
  RUBY

  def test_all_calls_end_while_threads_are_killed_and_raised_into_at_random
    serve(concurrency: 4)
    threads, calls, interruptions = STRESSED ? %w[3 2 20] : %w[50 20 5000]
    assert_equal "", ruby(WITHOUT_NAPS + STORM, broker.endpoint, threads, calls, interruptions, Random.new_seed.to_s)
  end

  # The lead is handed on, too, when its holder is killed or has its reply, and nothing else wakes the others.
  def test_the_lead_is_handed_on_without_naps
    serve(concurrency: 4)
    assert_equal "", ruby(<<~RUBY, broker.endpoint)
      #{WITHOUT_NAPS}
      client = Pigato::Client.new(ARGV[0], heartbeat: 600_000).start
      200.times do |round|
        waiting = Array.new(3) { Thread.new { client.call("nobody", timeout: 60) } }
        Thread.pass until waiting.all?(&:stop?)
        answered = Thread.new { client.call("echo", round, timeout: 60) }
        waiting.rotate(round).each(&:kill)
        abort("no reply") unless answered.join(20) && answered.value == round
      end
    RUBY
  end

  # A signal handler runs on the main thread, in the middle of its wait.
  KEPT = <<~RUBY
    $stdout.sync = true
    client = Pigato::Client.new(ARGV[0], heartbeat: 600_000).start
    kept = Queue.new
    trap(:USR1) { sleep(0.01) while kept.empty? }
    leading = Thread.current
    Thread.new do
      Thread.pass until leading.stop?
      other = Thread.new { client.call("echo", "before", timeout: 20) }
      p other.value
      Process.kill(:USR1, $$)
      sleep(0.1)
      p Array.new(5) { |number| Thread.new { client.call("echo", number, timeout: 20) } }.map(&:value)
      kept << true
    end
    p client.call("slow", "leading", timeout: 20)
  RUBY

  def test_others_do_not_wait_for_a_leader_whose_signal_handler_runs
    serve("echo", concurrency: 5)
    released = Queue.new
    serve("slow") { |request, _reply| released.pop && request.data }
    talk(KEPT, broker.endpoint) do |_input, output, _process|
      assert_equal "\"before\"\n", output.gets
      assert_equal "[0, 1, 2, 3, 4]\n", output.gets
      released << true
      assert_equal "\"leading\"\n", output.gets
    end
  end

  # The main thread is interrupted anywhere in its calls, by a signal that no mask defers.
  INTERRUPTED = <<~RUBY
    client = Pigato::Client.new(ARGV[0]).start
    is_calling = false
    trap(:USR1) { raise Interrupt if is_calling }
    others = Array.new(4) { |number| Thread.new { Array.new(100) { client.call("echo", number, timeout: 20) } } }
    interrupting = Thread.new { 300.times { sleep(0.002) && Process.kill(:USR1, $$) } }
    while interrupting.alive? || others.any?(&:alive?)
      begin
        is_calling = true
        client.call("echo", "main", timeout: 20)
        is_calling = false
      rescue Interrupt
        nil
      ensure
        is_calling = false
      end
    end
    others.each_with_index { |thread, number| abort("lost") unless thread.value == [number] * 100 }
    puts client.call("echo", "after", timeout: 20)
  RUBY

  def test_a_program_that_survives_interrupts_goes_on_calling
    serve(concurrency: 4)
    assert_equal "after\n", ruby(INTERRUPTED, broker.endpoint)
  end

  # Threads that have a reply call again at once for a while; then each has its last one and does something else.
  def test_threads_do_not_wait_for_one_that_does_not_call_again
    serve(concurrency: 4)
    client = client()
    replies = Queue.new
    others = Array.new(8) do |thread|
      background do
        300.times { |number| client.call("echo", number, timeout: 30) }
        replies << client.call("echo", thread, timeout: 30)
        Queue.new.pop
      end
    end
    assert_equal (0...8).to_a, Array.new(8) { replies.pop }.sort
    others.each(&:kill)
  end

  # The parent's sleeping threads do not exist in the child.
  def test_many_threads_sleep_in_a_child_whose_parent_had_many_that_slept
    serve(concurrency: 4)
    endpoint = broker.endpoint
    inherited = client()
    silent = own(Pigato::Worker.new(endpoint, "silent", concurrency: -1).start)
    waiting = Array.new(16) { background { inherited.call("silent", nil, timeout: 30) } }
    eventually("they sleep") { waiting.all?(&:stop?) }
    child = fork { exit!(calls_of_a_child(endpoint, inherited) ? 0 : 1) }
    assert_predicate Process.wait2(child).last, :success?
    silent.stop
  end

  private

  def calls_of_a_child(endpoint, inherited)
    client = Pigato::Client.new(endpoint).start
    threads = Array.new(16) do
      Thread.new { Array.new(100) { |number| client.call("echo", number, timeout: 30) } == (0...100).to_a }
    end
    threads.all? { |thread| thread.join(LIMIT) && thread.value } && refused?(inherited)
  end

  def refused?(inherited)
    inherited.call("echo", 1)
    false
  rescue Pigato::ForkError
    true
  end
end
