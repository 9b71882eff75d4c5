# Two processes of six threads, with a client in each, as programs for the published gem have it.
require "rubygems"
require "pigato"
require "thread"

addr = ARGV[0] || "tcp://127.0.0.1:55555"
requests = (ARGV[1] || 100).to_i

2.times do
  fork do
    threads = (1..6).map do
      Thread.new do
        client = Pigato::Client.new(addr, { :autostart => 1 })
        client.start
        answered = 0
        requests.times do
          answered += 1 if client.request('echo', 'Hello world', { 'nocache' => 1, :timeout => 30000 }) == 'Hello world'
        end
        puts "#{answered} of #{requests} answered"
        client.stop
      end
    end
    threads.each { |thread| thread.join }
  end
end

Process.waitall
