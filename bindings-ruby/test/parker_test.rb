# frozen_string_literal: true

require_relative "helper"

# Where threads sleep for each other: what one of them may rely on, whatever the others do.
class ParkerTest < PigatoTest
  stress :test_who_lies_in_a_baton_is_woken_though_nobody_goes_to_sleep

  Native = Pigato::Native

  # Two laps, and a pause in which the one that looks after batons goes to rest itself.
  def test_who_lies_in_a_baton_is_woken_though_nobody_goes_to_sleep
    baton = Native::Baton.create
    [0, 0.3, 0].each do |pause|
      sleep(pause)
      parked = parked(baton)
      baton.lay(parked.parker)
      assert parked.thread.join(LIMIT), "it sleeps on"
    end
  end

  def test_who_is_replaced_in_a_baton_is_woken
    baton = Native::Baton.create
    parked = Array.new(5) { parked(baton) }
    parked.each { |one| baton.lay(one.parker) }
    parked.each { |one| assert one.thread.join(LIMIT), "it sleeps on" }
  end

  def test_who_is_taken_out_of_a_baton_sleeps_on
    baton = Native::Baton.create
    parked = nil
    eventually("nobody else took it out") do
      parked&.parker&.unpark
      parked = parked(baton)
      started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      baton.lay(parked.parker)
      baton.clear
      # What has lain there for as long as between two looks may have been woken.
      Process.clock_gettime(Process::CLOCK_MONOTONIC) - started < 0.0005
    end
    # One that is laid after it is woken, so that it would have been, too.
    other = parked(baton)
    baton.lay(other.parker)
    assert other.thread.join(LIMIT)
    assert_predicate parked.thread, :alive?
    parked.parker.unpark
    assert parked.thread.join(LIMIT)
  end

  def test_a_wake_that_comes_first_is_not_lost_and_counts_once
    parker = Native::Parker.create
    2.times { parker.unpark }
    baton = Native::Baton.create
    parker.park(baton, nil)
    started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    parker.park(baton, 0.05)
    assert_operator Process.clock_gettime(Process::CLOCK_MONOTONIC) - started, :>=, 0.05
  end

  def test_a_sleeper_can_be_killed_raised_into_and_interrupted_by_a_signal
    killed = parked(Native::Baton.create)
    killed.thread.kill
    assert killed.thread.join(LIMIT)
    raised = parked(Native::Baton.create)
    raised.thread.report_on_exception = false
    raised.thread.raise(ArgumentError, "now")
    assert_raises(ArgumentError) { raised.thread.value }
    assert_raises(Timeout::Error) { Timeout.timeout(0.05) { Native::Parker.create.park(Native::Baton.create, nil) } }
  end

  def test_any_number_of_seconds_is_one
    [0, 0.0, -1, -Float::INFINITY, 1e-9].each do |seconds|
      assert_nil Native::Parker.create.park(Native::Baton.create, seconds)
    end
    [Float::INFINITY, 1e300, Float::NAN].each do |seconds|
      parker = Native::Parker.create
      parker.unpark
      assert_nil parker.park(Native::Baton.create, seconds)
    end
  end

  def test_a_child_makes_its_own
    parker = Native::Parker.create
    baton = Native::Baton.create
    assert parker.usable?
    child = fork do
      # The parent's baton may be used, and nobody looks after it; a new one is looked after.
      baton.lay(parker)
      own = Native::Baton.create
      parked = parked(own)
      own.lay(parked.parker)
      exit!(!parker.usable? && parked.thread.join(LIMIT) ? 0 : 1)
    end
    assert_predicate Process.wait2(child).last, :success?
  end

  def test_one_thread_looks_after_all_batons
    batons = Array.new(20) { Native::Baton.create }
    names = Dir["/proc/self/task/*/comm"].map { |file| File.read(file).chomp }
    assert_equal 1, names.count("pigato-baton"), batons.length
  end

  # Those who have their reply come back at once for a while; then each of them has its last one and does something else.
  def test_nobody_waits_for_one_that_does_something_else_after_many_that_came_back
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

  # Those of the parent's are not there in the child, whose own take their memory.
  def test_a_child_whose_parent_had_many_that_slept_has_many_that_sleep
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

  # A logger may wait itself, in the middle of another's wait.
  def test_a_wait_within_a_wait_takes_nobodys_wake
    outer, inner = Array.new(2) { Pigato.const_get(:Follower).create([]) }
    refute_same outer.parker, inner.parker
    [inner, outer].each(&:end_wait)
    assert_same outer.parker, Pigato.const_get(:Follower).create([]).parker
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

  Parked = Struct.new(:parker, :thread)

  def parked(baton)
    parker = Native::Parker.create
    thread = background { parker.park(baton, nil) }
    eventually("it sleeps") { thread.stop? }
    Parked.new(parker, thread)
  end
end
