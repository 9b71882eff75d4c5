# frozen_string_literal: true

# `gem install` runs this: it writes a Makefile that builds the native part with cargo from the sources in the gem.

require "shellwords"
require_relative "toolchain"

SOURCES = File.expand_path("../../native", __dir__)
MANIFEST = File.join(SOURCES, "Cargo.toml")
# Settings of cargo's release profile, which the environment may override.
PROFILE = { "CARGO_PROFILE_RELEASE_DEBUG" => "false", "CARGO_PROFILE_RELEASE_STRIP" => "debuginfo" }.freeze

unless File.exist?(MANIFEST)
  abort "pigato: the sources of the native part are not in #{SOURCES}. In a checkout run `rake compile` instead."
end

toolchain = Toolchain.new
missing = toolchain.missing(File.read(MANIFEST)[/^rust-version = "(.*)"/, 1])
abort(["pigato: the native part cannot be built.", *missing.map { |what| "  - #{what}" }].join("\n")) unless missing.empty?

own_target = File.join(SOURCES, "target")
target = ENV.fetch("CARGO_TARGET_DIR", own_target)
environment = { "RUBY" => RbConfig.ruby, "LIBCLANG_PATH" => toolchain.libclang, **PROFILE.reject { |name, _| ENV.key?(name) } }
words = environment.map { |name, value| "#{name}=#{Shellwords.escape(value)}" }
built = File.join(target, "release", "libpigato_ruby.#{RbConfig::CONFIG["SOEXT"]}")

# Removes cargo's target folder, which has several hundred megabytes.
File.write("Makefile", <<~MAKEFILE)
  sitearchdir = #{RbConfig::CONFIG["sitearchdir"]}

  .PHONY: all install clean
  all:
  	#{words.join(" ")} cargo build --release --locked --package pigato-ruby --manifest-path #{MANIFEST.shellescape} --target-dir #{target.shellescape}

  install: all
  	mkdir -p $(DESTDIR)$(sitearchdir)/pigato
  	cp #{built.shellescape} $(DESTDIR)$(sitearchdir)/pigato/pigato.#{RbConfig::CONFIG["DLEXT"]}
  	rm -rf #{own_target.shellescape}

  clean:
  	rm -rf #{own_target.shellescape}
MAKEFILE
