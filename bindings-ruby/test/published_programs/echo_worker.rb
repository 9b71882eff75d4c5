# A worker in each of seven threads, as programs for the published gem have it.
require "rubygems"
require "pigato"
require "thread"

addr = ARGV[0] || "tcp://127.0.0.1:55555"

workers = (1..7).map do
  Thread.new do
    worker = Pigato::Worker.new(addr, "echo")
    worker.start
    loop do
      request = worker.recv
      if request.nil?
        sleep 0.1
      else
        worker.reply request
      end
    end
  end
end

workers.each { |thread| thread.join }
