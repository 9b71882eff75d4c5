# frozen_string_literal: true

# The published gem's loops over the `ffi-rzmq` gem, with its frames: a socket for each thread, and a wait for each message.
# `frames.rb worker ENDPOINT`, `frames.rb client ENDPOINT REQUESTS THREADS`
require "ffi-rzmq"
require "json"
require "securerandom"
require_relative "load"

CONTEXT = ZMQ::Context.new
WAIT_MS = 60_000
HEARTBEAT_S = 2.5

def connected(endpoint, identity)
  socket = CONTEXT.socket(ZMQ::DEALER)
  socket.setsockopt(ZMQ::IDENTITY, identity)
  socket.setsockopt(ZMQ::LINGER, 1000)
  socket.connect(endpoint)
  poller = ZMQ::Poller.new
  poller.register_readable(socket)
  [socket, poller]
end

def received(socket, poller)
  raise "nothing came" unless poller.poll(WAIT_MS).positive?

  frames = []
  socket.recv_strings(frames)
  frames
end

role, endpoint, *numbers = ARGV

case role
when "worker"
  socket, poller = connected(endpoint, SecureRandom.uuid)
  socket.send_strings(%w[W 1 echo])
  puts "ready"
  $stdout.flush
  heartbeat = Load.now
  loop do
    if Load.now - heartbeat > HEARTBEAT_S
      socket.send_strings(%w[W 4])
      heartbeat = Load.now
    end
    next unless poller.poll(HEARTBEAT_S * 1000).positive?

    _side, type, client, _service, _empty, id, data = (frames = []) && socket.recv_strings(frames) && frames
    socket.send_strings(["W", "3", client, "", id, "0", JSON.generate(JSON.parse(data))]) if type == "2"
  end
when "client"
  requests, threads = numbers.map(&:to_i)
  Load.run(requests, threads) do
    socket, poller = connected(endpoint, SecureRandom.uuid)
    lambda do
      id = SecureRandom.uuid
      socket.send_strings(["C", "2", "echo", id, JSON.generate(Load::BODY), "{}"])
      frames = received(socket, poller) until frames && frames[3] == id
      JSON.parse(frames[5]) == Load::BODY || raise("another reply")
    end
  end
else abort "frames.rb worker|client ENDPOINT"
end
