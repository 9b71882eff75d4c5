# frozen_string_literal: true

# `ours.rb worker ENDPOINT`, `ours.rb pool ENDPOINT`, `ours.rb client ENDPOINT REQUESTS THREADS`,
# `ours.rb window ENDPOINT REQUESTS WINDOW [BODY_BYTES]`

# The release build comes before the debug build in lib.
$LOAD_PATH.unshift(File.join(__dir__, "build"), File.expand_path("../lib", __dir__))
require "pigato"
require_relative "load"

role, endpoint, *numbers = ARGV

case role
when "worker"
  worker = Pigato::Worker.new(endpoint, "echo", timeout: 60_000, concurrency: -1).start
  puts "ready"
  $stdout.flush
  loop do
    data = worker.recv
    worker.reply(data) unless data.nil?
  end
when "pool"
  puts "ready"
  $stdout.flush
  Pigato::Worker.new(endpoint, "echo").run { |request, _reply| request.data }
when "client"
  requests, threads = numbers.map(&:to_i)
  client = Pigato::Client.new(endpoint, timeout: 60_000).start
  Load.run(requests, threads) do
    -> { client.request("echo", Load::BODY) == Load::BODY || raise("another reply") }
  end
  client.stop
when "window"
  requests, window, body_bytes = numbers.map(&:to_i)
  client = Pigato::Client.new(endpoint, timeout: 60_000).start
  body = "a" * [(body_bytes || 5) - 2, 0].max
  Load.run_window(requests, window, -> { client.async_call("echo", body) }) do |future|
    future.value == body || raise("another reply")
  end
  client.stop
else abort "ours.rb worker|pool|client|window ENDPOINT"
end
