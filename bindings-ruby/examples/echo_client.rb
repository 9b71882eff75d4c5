# frozen_string_literal: true

# As for the published gem: ruby examples/echo_client.rb tcp://127.0.0.1:55555
require "pigato"

client = Pigato::Client.new(ARGV.fetch(0, "tcp://127.0.0.1:55555"), autostart: true)
threads = Array.new(10) do |thread|
  Thread.new { Array.new(10) { |number| client.request("echo", "#{thread}-#{number}") } }
end
# One thread prints: lines of several threads could interleave.
puts threads.flat_map(&:value)
client.stop
