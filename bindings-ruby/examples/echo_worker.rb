# frozen_string_literal: true

# As for the published gem: ruby examples/echo_worker.rb tcp://127.0.0.1:55555
require "pigato"

worker = Pigato::Worker.new(ARGV.fetch(0, "tcp://127.0.0.1:55555"), "echo")
worker.start
loop do
  request = worker.recv
  worker.reply(request) unless request.nil?
end
