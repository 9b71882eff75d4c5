# frozen_string_literal: true

require_relative "helper"

class ExamplesTest < PigatoTest
  ROOT = File.expand_path("..", __dir__)

  def test_the_readmes_example
    program = File.read(File.join(ROOT, "README.md"))[/```ruby\n(.*?)```/m, 1]
    assert_equal "hello, world\n", ruby(program)
  end

  def test_echo
    talk(%(load "#{ROOT}/examples/echo_worker.rb"), broker.endpoint) do |_input, _output, process|
      echoed = ruby(%(load "#{ROOT}/examples/echo_client.rb"), broker.endpoint).lines(chomp: true)
      Process.kill(:KILL, process)
      assert_equal Array.new(100) { |number| "#{number / 10}-#{number % 10}" }, echoed.sort
    end
  end
end
