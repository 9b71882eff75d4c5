# frozen_string_literal: true

# The broker.
class BrokerRole
  include Say

  def initialize(endpoint:, conf:, **)
    @broker = Pigato::Broker.new(endpoint, conf).start
    say("ready", endpoint: @broker.endpoint, intch: @broker.intch)
  end

  def statistics(line)
    numbers = @broker.statistics.transform_keys { |name| name.to_s.gsub(/_([a-z])/) { Regexp.last_match(1).upcase } }
    say("statistics", tag: line["tag"], statistics: numbers)
  end

  def drain(line)
    Thread.new do
      @broker.stop(drain: line["ms"] / 1000.0)
      say("drained")
    end
  end

  def stop
    @broker.stop
  end
end
