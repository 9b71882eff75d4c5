# frozen_string_literal: true

require_relative "lib/pigato/version"

# A gem needs the sources of the native part in one folder; in a checkout they are spread over several.
staging = File.expand_path("../core/scripts/stage-sources.sh", __dir__)
if File.exist?(staging) && !system(staging, File.join(__dir__, "native"), "pigato-ruby")
  raise "staging the sources of the native part failed: see the messages above"
end

Gem::Specification.new do |spec|
  spec.name = "pigato"
  spec.version = Pigato::VERSION
  spec.summary = "Brokered request/reply over ZeroMQ: clients, workers and a broker"
  spec.description = "Clients ask for a service by name, a broker queues the requests and hands them to workers with free capacity, " \
                     "workers answer with any number of partial replies and a final one."
  spec.authors = ["PIGATO contributors"]
  spec.homepage = "https://github.com/prdn/pigato"
  spec.license = "MIT"
  spec.required_ruby_version = ">= 3.1"
  spec.metadata = { "rubygems_mfa_required" => "true" }
  spec.files = Dir.chdir(__dir__) do
    Dir["lib/**/*.rb", "sig/**/*.rbs", "examples/**/*.{rb,ru,csv}", "ext/**/*.rb", "native/**/*", "README.md", "LICENSE"]
      .select { |path| File.file?(path) && !path.start_with?("native/target/") }
  end
  spec.extensions = ["ext/pigato/extconf.rb"]
end
