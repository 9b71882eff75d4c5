# frozen_string_literal: true

# The lines of a file as partial replies: `ruby examples/stocks.rb worker|client [ADDRESS]`
require "pigato"

FILE = File.join(__dir__, "stocks.csv")
role, address = ARGV
address ||= "tcp://127.0.0.1:55555"

case role
when "worker"
  Pigato::Worker.new(address, "stock").run do |_request, reply|
    File.foreach(FILE, chomp: true) { |line| reply.write(line) }
    nil
  end
when "client"
  client = Pigato::Client.new(address, autostart: true)
  client.stream("stock", { ticker: "AAPL" }, timeout: 10) { |line| puts line }
  client.stop
else abort "stocks.rb worker|client [ADDRESS]"
end
