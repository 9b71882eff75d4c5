# frozen_string_literal: true

# The driver for the Ruby package: a broker, worker or client that tests control with lines of JSON;
# see ../PROTOCOL.md.

$LOAD_PATH.unshift(File.expand_path("../../../bindings-ruby/lib", __dir__))

require "optparse"
require "pigato"
require_relative "say"
require_relative "broker"
require_relative "client"
require_relative "worker"

ROLES = {
  "broker" => [BrokerRole, %i[statistics drain]],
  "worker" => [WorkerRole, %i[concurrency reject drain]],
  "client" => [ClientRole, %i[request cancel read flood]]
}.freeze
FAILED = 4

def options
  given = { conf: "{}", verbose: false }
  OptionParser.new do |parser|
    %w[endpoint service conf].each { |name| parser.on("--#{name} VALUE") { |value| given[name.to_sym] = value } }
    parser.on("--verbose") { given[:verbose] = true }
  end.parse!
  given.merge(service: given[:service], conf: JSON.parse(given[:conf], symbolize_names: true))
end

def obey(role, operations, line)
  operation = line["op"].to_sym
  raise "no operation is called #{operation}" unless operations.include?(operation)

  role.public_send(operation, line)
rescue StandardError => error
  Say.say("error", error: error.message)
end

begin
  given = options
  kind, operations = ROLES.fetch(ARGV.first) { abort "broker, worker or client?" }
  role = kind.new(**given)
  $stdin.each_line do |text|
    line = JSON.parse(text)
    break if line["op"] == "stop"

    obey(role, operations, line)
  end
  role.stop
  Say.say("stopped")
rescue StandardError => error
  warn("driver.rb: #{error.full_message(highlight: false)}")
  exit(FAILED)
end
