# frozen_string_literal: true

# Compares Ruby's client and worker with the Rust crate's and with the published gem's loops over `ffi-rzmq`: each in a
# process of its own, all with the Rust broker, alternating. Prints the medians of the rounds.
# `compare.rb FLOOR [SHARE [ROUNDS]]`: FLOOR is the program of `cargo bench --bench floor`, SHARE scales the number of requests.

require "json"
require "rbconfig"

FLOOR = ARGV.fetch(0) { abort "compare.rb FLOOR [SHARE [ROUNDS]]" }
SHARE = ARGV.fetch(1, 1).to_f
ROUNDS = ARGV.fetch(2, 5).to_i
BODY_BYTES = "5"
# Requests, and the number of concurrent ones.
LOADS = [[5_000, 1], [50_000, 50]].freeze

def ruby(file)
  [RbConfig.ruby, File.join(__dir__, file)]
end

# The commands of worker and client; the endpoint follows, and for the client the load.
CONTENDERS = {
  "Rust" => [[FLOOR, "worker"], [FLOOR, "client"]],
  "Ruby" => [[*ruby("ours.rb"), "worker"], [*ruby("ours.rb"), "client"]],
  "Ruby, `run`" => [[*ruby("ours.rb"), "pool"], [*ruby("ours.rb"), "client"]],
  "ffi-rzmq" => [[*ruby("frames.rb"), "worker"], [*ruby("frames.rb"), "client"]]
}.freeze

# Runs a process until the block ends.
def role(*command)
  IO.popen(command) do |io|
    yield io
  ensure
    begin
      Process.kill(:KILL, io.pid)
    rescue Errno::ESRCH
      nil # It has exited.
    end
  end
end

def line(io)
  io.gets&.chomp || abort("a process ended without a result")
end

def measure(name, requests, at_once)
  worker, client = CONTENDERS.fetch(name)
  role(FLOOR, "broker") do |broker|
    endpoint = line(broker)
    role(*worker, endpoint) do |ready|
      line(ready)
      role(*client, endpoint, requests.to_s, at_once.to_s, BODY_BYTES) { |result| return JSON.parse(line(result)) }
    end
  end
end

def median(numbers)
  numbers.sort[numbers.length / 2]
end

puts "| at once | | requests/s | × Rust | × ffi-rzmq | p50 µs | × Rust | p99 µs |", "|---|---|---|---|---|---|---|---|"
LOADS.each do |requests, at_once|
  results = CONTENDERS.keys.to_h { |name| [name, []] }
  count = [(requests * SHARE).to_i, at_once * 10].max
  ROUNDS.times { results.each { |name, rounds| rounds << measure(name, count, at_once) } }
  fields = results.transform_values do |rounds|
    %w[requests_per_second p50_microseconds p99_microseconds].map { |field| median(rounds.map { |round| round[field] }) }
  end
  fields.each do |name, (rate, p50, p99)|
    puts format("| %d | %s | %.0f | %.2f | %.2f | %.0f | %.2f | %.0f |", at_once, name, rate, rate / fields["Rust"][0],
                rate / fields["ffi-rzmq"][0], p50, p50 / fields["Rust"][1], p99)
  end
end
