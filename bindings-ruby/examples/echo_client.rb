# frozen_string_literal: true

# As for the published gem: ruby examples/echo_client.rb tcp://127.0.0.1:55555
require "pigato"

client = Pigato::Client.new(ARGV.fetch(0, "tcp://127.0.0.1:55555"), autostart: true)
threads = Array.new(10) do |thread|
  Thread.new { 10.times { |number| puts client.request("echo", "#{thread}-#{number}") } }
end
threads.each(&:join)
client.stop
