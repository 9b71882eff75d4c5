# frozen_string_literal: true

# The published gem's loops over the `ffi-rzmq` gem, with its frames: a socket for each thread, and a wait for each message.
# `frames.rb worker ENDPOINT`, `frames.rb client ENDPOINT REQUESTS THREADS`
require "ffi-rzmq"
require "json"
require "securerandom"
require_relative "load"

CONTEXT = ZMQ::Context.new
WAIT_MS = 2500
HEARTBEAT_SECONDS = 2.5

def connected(endpoint)
  socket = CONTEXT.socket(ZMQ::DEALER)
  socket.setsockopt(ZMQ::IDENTITY, SecureRandom.uuid)
  socket.setsockopt(ZMQ::LINGER, 1000)
  socket.setsockopt(ZMQ::RCVTIMEO, WAIT_MS)
  socket.connect(endpoint)
  socket
end

# The frames of the next message; empty after a timeout.
def received(socket)
  frames = []
  socket.recv_strings(frames)
  frames
end

def request(socket)
  id = SecureRandom.uuid
  socket.send_strings(["C", "2", "echo", id, JSON.generate(Load::BODY), "{}"])
  frames = received(socket)
  frames = received(socket) until frames.empty? || frames[3] == id
  JSON.parse(frames.fetch(5)) == Load::BODY || raise("another reply")
end

def work(socket)
  socket.send_strings(%w[W 1 echo])
  puts "ready"
  $stdout.flush
  heartbeat = Load.now
  loop do
    if Load.now - heartbeat > HEARTBEAT_SECONDS
      socket.send_strings(%w[W 4])
      heartbeat = Load.now
    end
    _side, type, client, _service, _empty, id, data = received(socket)
    socket.send_strings(["W", "3", client, "", id, "0", JSON.generate(JSON.parse(data))]) if type == "2"
  end
end

role, endpoint, *numbers = ARGV

case role
when "worker" then work(connected(endpoint))
when "client"
  requests, threads = numbers.map(&:to_i)
  Load.run(requests, threads) do
    socket = connected(endpoint)
    -> { request(socket) }
  end
else abort "frames.rb worker|client ENDPOINT"
end
