# frozen_string_literal: true

require "json"

# The only place that writes to standard output: lines of JSON, always with "event".
module Say
  @lock = Mutex.new
  $stdout.sync = true

  module_function

  def say(event, **fields)
    line = JSON.generate({ event: event, **fields })
    Say.instance_variable_get(:@lock).synchronize { $stdout.puts(line) }
  rescue Errno::EPIPE
    exit!(0) # The runner has closed the pipe.
  end

  # Formats a reply's data; bytes become hexadecimal digits.
  def data_of(data)
    data.is_a?(String) && data.encoding == Encoding::BINARY ? { bytes: data.unpack1("H*") } : { data: data }
  end
end

# A logger through which the package reports connection events.
class LifeLogger
  EVENTS = { "connected" => "connect", "disconnected" => "disconnect" }.freeze

  # @param says_ready [Boolean] whether it prints `ready` after the first connection
  def initialize(says_ready: false)
    @is_awaited = says_ready
  end

  def info(text)
    event = EVENTS[text.split.last]
    Say.say(event) if event
    Say.say("ready") if event == "connect" && @is_awaited
    @is_awaited = false if event == "connect"
  end

  def warn(text)
    $stderr.puts(text)
  end
  alias error warn
end
