# frozen_string_literal: true

# `ours.rb worker ENDPOINT`, `ours.rb pool ENDPOINT`, `ours.rb client ENDPOINT REQUESTS THREADS`
require "pigato"
require_relative "load"

role, endpoint, *numbers = ARGV

case role
when "worker"
  worker = Pigato::Worker.new(endpoint, "echo", timeout: 60_000).start
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
else abort "ours.rb worker|pool|client ENDPOINT"
end
