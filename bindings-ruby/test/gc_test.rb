# frozen_string_literal: true

require_relative "helper"

# Not in one process with rbs: its extension crashes when objects are moved.
class GcTest < PigatoTest
  stress :test_objects_may_be_moved_at_any_time

  ROUNDS = STRESSED ? 2 : 100
  MOVES = 20

  def test_objects_may_be_moved_at_any_time
    skip_unless_compacting
    serve { |request, reply| reply.write(request.data) && request.data }
    client = client()
    ROUNDS.times do |round|
      future = client.async_call("echo", ["future", round], timeout: 30)
      GC.compact
      parts = []
      client.stream("echo", "x" * round) { |part| (parts << part) && GC.compact }
      assert_equal ["x" * round] * 2, parts
      assert_equal ["future", round], future.value
    end
  end

  def test_every_object_that_can_be_moved_may_be
    skip_unless_compacting
    serve { |request, reply| reply.write(request.data) && request.data }
    client = client(timeout: 30_000)
    MOVES.times do |round|
      future = client.async_call("echo", ["future", round])
      GC.verify_compaction_references(toward: :empty)
      assert_equal [round] * 2, client.stream("echo", round).to_a
      GC.verify_compaction_references(toward: :empty)
      assert_equal ["future", round], future.value
    end
    assert_raises(Pigato::TimeoutError) { client.call("nobody", timeout: 0.001) }
  end

  def test_objects_that_are_moved_all_the_time
    skip_unless_compacting
    GC.auto_compact = true
    serve
    client = client()
    ROUNDS.times { |round| assert_equal({ "n" => [round] }, client.call("echo", { n: [round] }, timeout: 30)) }
  ensure
    GC.auto_compact = false if GC.respond_to?(:auto_compact=)
  end

  def test_an_enumerator_keeps_its_client_alive
    serve
    enumerator = Pigato::Client.new(broker.endpoint, autostart: true).stream("echo", 1)
    GC.start
    assert_equal [1], enumerator.to_a
  end

  private

  # Ruby has no such method where the operating system does not support compaction.
  def skip_unless_compacting
    skip "this Ruby does not move objects" unless GC.respond_to?(:compact)
  end
end
