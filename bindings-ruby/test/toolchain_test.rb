# frozen_string_literal: true

require_relative "helper"
require_relative "../ext/pigato/toolchain"
require "fileutils"
require "tmpdir"

# Messages about machines where the native part cannot be built.
class ToolchainTest < PigatoTest
  RUST = "1.88"

  def test_nothing_is_missing_on_this_machine
    assert_empty Toolchain.new.missing(RUST)
  end

  def test_missing_headers_are_reported_with_their_package
    Dir.mktmpdir do |empty|
      missing = Toolchain.new(header_directory: empty).missing(RUST)
      assert_equal 1, missing.length
      assert_match(/Ruby's headers are needed, and there are none in #{empty}: install ruby-dev/, missing.first)
    end
  end

  def test_the_newest_libclang_is_used
    Dir.mktmpdir do |root|
      %w[llvm-9 llvm-14 llvm-15].each { |name| FileUtils.mkdir_p(File.join(root, name)) }
      %w[llvm-9 llvm-14].each { |name| FileUtils.touch(File.join(root, name, "libclang-#{name[/\d+/]}.so.1")) }
      toolchain = Toolchain.new(env: {}, library_directories: [File.join(root, "llvm-*")])
      assert_equal File.join(root, "llvm-14"), toolchain.libclang
    end
  end

  def test_a_configured_libclang_must_exist
    Dir.mktmpdir do |empty|
      env = ENV.to_h.merge("LIBCLANG_PATH" => empty)
      assert_match(/\Alibclang is needed/, Toolchain.new(env: env).missing(RUST).first)
    end
  end
end
