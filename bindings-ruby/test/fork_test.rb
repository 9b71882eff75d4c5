# frozen_string_literal: true

require_relative "helper"

# Parent and child both work after a fork, and both exit.
class ForkTest < PigatoTest
  PRELUDE = <<~RUBY
    $stdout.sync = true
    def in_child
      process = fork { yield }
      Process.wait(process)
      puts "child: \#{$?.exitstatus || $?}"
    end

    def call(client, data = 1)
      client.call("echo", data, timeout: 20)
    end
  RUBY

  def forking(program)
    serve
    ruby(PRELUDE + program, broker.endpoint).lines(chomp: true)
  end

  def test_before_the_first_use
    assert_equal ["1", "child: 0", "2"], forking(<<~RUBY)
      client = Pigato::Client.new(ARGV[0])
      in_child { puts call(client.start) }
      puts call(client.start, 2)
    RUBY
  end

  def test_with_a_live_client
    assert_equal ["1", "E_FORK", "2", "child: 0", "3"], forking(<<~RUBY)
      client = Pigato::Client.new(ARGV[0]).start
      puts call(client)
      in_child do
        begin
          call(client)
        rescue Pigato::ForkError => error
          puts error.code
        end
        puts call(client.start, 2)
      end
      puts call(client, 3)
    RUBY
  end

  def test_with_a_live_worker
    assert_equal ["E_FORK", "child: 0", "1", "2"], forking(<<~RUBY)
      worker = Pigato::Worker.new(ARGV[0], "forked").start
      in_child do
        begin
          worker.recv
        rescue Pigato::ForkError => error
          puts error.code
        end
        GC.start
      end
      thread = Thread.new { worker.reply(worker.recv + 1) }
      client = Pigato::Client.new(ARGV[0]).start
      puts call(client)
      puts client.call("forked", 1, timeout: 20)
      thread.join
    RUBY
  end

  def test_with_a_running_worker_whose_threads_wait
    assert_equal ["2", "child: 0", "2"], forking(<<~RUBY)
      worker = Pigato::Worker.new(ARGV[0], "forked")
      thread = Thread.new { worker.run(concurrency: 3, signals: false) { |request, _| request.data + 1 } }
      client = Pigato::Client.new(ARGV[0]).start
      client.call("forked", 1, timeout: 20)
      in_child { puts Pigato::Client.new(ARGV[0]).start.call("forked", 1, timeout: 20) }
      puts client.call("forked", 1, timeout: 20)
      worker.stop
      thread.join
    RUBY
  end

  def test_nested
    assert_equal ["1", "2", "E_FORK", "3", "child: 0", "4", "child: 0", "5"], forking(<<~RUBY)
      client = Pigato::Client.new(ARGV[0]).start
      puts call(client)
      in_child do
        puts call(client.start, 2)
        in_child do
          begin
            call(client)
          rescue Pigato::ForkError => error
            puts error.code
          end
          puts call(client.start, 3)
        end
        puts call(client, 4)
      end
      puts call(client, 5)
    RUBY
  end

  def test_within_a_handler
    serve("echo")
    output = ruby(PRELUDE + <<~RUBY, broker.endpoint)
      worker = Pigato::Worker.new(ARGV[0], "forking")
      thread = Thread.new do
        worker.run(concurrency: 1, signals: false) do |_request, reply|
          in_child { begin reply.finish(1) rescue puts $!.code end }
          "parent"
        end
      end
      client = Pigato::Client.new(ARGV[0]).start
      puts client.call("forking", timeout: 20)
      worker.stop
      thread.join
    RUBY
    assert_equal ["E_FORK", "child: 0", "parent"], output.lines(chomp: true)
  end

  def test_a_child_may_stop_and_forget_what_it_inherited
    assert_equal ["child: 0", "1"], forking(<<~RUBY)
      client = Pigato::Client.new(ARGV[0]).start
      call(client)
      other = Pigato::Client.new(ARGV[0]).start
      future = other.async_call("nobody", timeout: 20)
      in_child do
        client.stop
        abort("a future of the parent's") unless (begin future.wait; rescue Pigato::ForkError; true end)
        other = future = nil
        GC.start
      end
      puts call(client)
    RUBY
  end

  def test_many_children_at_once
    assert_equal ["[1, 2, 3, 4, 5]", "0"], forking(<<~RUBY)
      client = Pigato::Client.new(ARGV[0]).start
      call(client)
      children = (1..5).map do |number|
        reader, writer = IO.pipe
        process = fork { writer.puts call(Pigato::Client.new(ARGV[0]).start, number) }
        writer.close
        [process, reader]
      end
      p children.map { |_, reader| Integer(reader.gets) }
      children.each { |process, _| Process.wait(process) && ($?.success? || abort("\#{$?}")) }
      puts call(client, 0)
    RUBY
  end
end
