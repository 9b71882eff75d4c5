# frozen_string_literal: true

require "fileutils"
require "minitest/autorun"
require "open3"
require "rbconfig"
require "tmpdir"

# The gems that are published, in an empty folder: the one with its native part inside, and the one that is built where it is
# installed. Apart from the other tests because it compiles.
class GemTest < Minitest::Test
  ROOT = File.expand_path("../..", __dir__)
  # Seconds: a bound against hangs.
  LIMIT = 900
  TARGET = ENV.fetch("CARGO_TARGET_DIR") { File.expand_path("../target", ROOT) }
  # Always the same folder: at another path cargo would compile another copy of each crate, and keep it.
  PLACE = File.join(File.expand_path(TARGET), "ruby-install")
  GEM_HOME = File.join(PLACE, "home")
  # Compiles as fast as it can.
  QUICK = {
    "CARGO_TARGET_DIR" => File.join(PLACE, "target"), "CARGO_PROFILE_RELEASE_LTO" => "off",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL" => "0", "CARGO_PROFILE_RELEASE_DEBUG" => "false",
    "CARGO_PROFILE_RELEASE_STRIP" => "none", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS" => "16"
  }.freeze
  # What a machine has that has Ruby, and nothing to compile with.
  PROGRAMS = %w[ruby gem sh env].freeze

  def setup
    FileUtils.rm_rf(GEM_HOME)
    FileUtils.mkdir_p(GEM_HOME)
    @folder = Dir.mktmpdir
  end

  def teardown
    FileUtils.rm_rf([GEM_HOME, @folder])
  end

  def test_a_gem_with_its_native_part_needs_no_toolchain
    gem = made("native:pack")
    assert_match(/-#{Gem::Platform.local}\.gem\z/, gem)
    install(gem, "PATH" => bare)
    assert_equal "hello, world\n", example("PATH" => bare)
    assert_empty Dir[File.join(GEM_HOME, "extensions/**/*.so")], "nothing was compiled"
  end

  def test_a_gem_is_built_where_it_is_installed
    install(made("gem"), QUICK)
    assert_equal "hello, world\n", example("PATH" => bare)
    assert_empty Dir[File.join(GEM_HOME, "gems/*/native/target")], "what the build leaves is gone"
  end

  def test_missing_build_tools_are_reported
    gem = made("gem")
    written = failed_install(gem, "PATH" => bare, "LIBCLANG_PATH" => @folder)
    assert_match(/Rust 1\.\d+ or later is needed: install it from/, written)
    assert_match(/a C\+\+ compiler is needed, and there is no c\+\+: install g\+\+/, written)
    assert_match(/libclang is needed, .* install libclang-dev/, written)
    File.write(File.join(@folder, "rustc"), "#!/bin/sh\necho 'rustc 1.9.0 (of old)'\n", perm: 0o755)
    written = failed_install(gem, "PATH" => "#{@folder}:#{ENV.fetch("PATH")}", "CXX" => "no-such-compiler")
    assert_match(/Rust 1\.\d+ or later is needed, this is 1\.9\.0/, written)
    assert_match(/there is no no-such-compiler/, written)
  end

  private

  # A gem that one of rake's tasks has made.
  def made(task)
    run!({ "DIST" => File.join(@folder, "dist") }, "rake", "--silent", "--rakefile", File.join(ROOT, "Rakefile"), task)
      .lines(chomp: true).last
  end

  def install(gem, env)
    run!(home.merge(env), "gem", "install", "--local", "--no-document", gem)
  end

  def failed_install(gem, env)
    output, status = output_of(home.merge(env), "gem", "install", "--local", "--no-document", gem)
    refute_predicate status, :success?
    output
  end

  # The README's, with what is installed.
  def example(env)
    program = File.read(File.join(ROOT, "README.md"))[/```ruby\n(.*?)```/m, 1]
    run!(home.merge(env), "ruby", "-e", program)
  end

  def home
    { "GEM_HOME" => GEM_HOME, "GEM_PATH" => nil, "RUBYLIB" => nil, "RUBYOPT" => nil }
  end

  def bare
    File.join(@folder, "bin").tap do |directory|
      FileUtils.mkdir_p(directory)
      PROGRAMS.each { |name| FileUtils.ln_sf(path_of(name), File.join(directory, name)) }
    end
  end

  def path_of(name)
    ENV.fetch("PATH").split(":").map { |directory| File.join(directory, name) }.find { |path| File.executable?(path) }
  end

  def run!(env, *command)
    output, status = output_of(env, *command)
    assert_predicate status, :success?, "#{command.join(" ")}: #{output}"
    output
  end

  def output_of(env, *command)
    Open3.popen2e(env, *command, chdir: @folder) do |input, output, process|
      input.close
      reading = Thread.new { output.read }
      unless process.join(LIMIT)
        Process.kill(:KILL, process.pid)
        flunk "#{command.join(" ")} hangs"
      end
      [reading.value, process.value]
    end
  end
end
