# frozen_string_literal: true

require "open3"
require "rbconfig"

# Checks the tools that build the native part, and names the packages of missing ones.
class Toolchain
  # Debian installs libclang outside the linker's search path.
  LIBRARY_DIRECTORIES = %w[/usr/lib/llvm-*/lib /usr/lib /usr/lib64 /usr/lib/*-linux-gnu /usr/local/lib].freeze

  # @param env [Hash] where `PATH`, `CXX` and `LIBCLANG_PATH` are looked up
  # @param header_directory [String] where `ruby.h` is
  # @param library_directories [Array<String>] patterns of where libclang may be, if `LIBCLANG_PATH` does not say
  def initialize(env: ENV, header_directory: RbConfig::CONFIG["rubyhdrdir"], library_directories: LIBRARY_DIRECTORIES)
    @env = env
    @header_directory = header_directory
    @library_directories = library_directories
  end

  # @param rust [String] the earliest version of Rust that will do
  # @return [Array<String>] a sentence for each thing that is missing
  def missing(rust)
    [rust_missing(rust), compiler_missing, headers_missing, libclang_missing].compact
  end

  # @return [String, nil] the directory of the newest libclang
  def libclang
    named = @env["LIBCLANG_PATH"].to_s
    directories = named.empty? ? @library_directories.flat_map { |pattern| by_version(Dir[pattern]) } : [named]
    directories.find { |directory| File.file?(directory) || Dir[File.join(directory, "libclang{,-*}.{so,dylib}*")].any? }
  end

  private

  def rust_missing(wanted)
    version = output("rustc", "--version")[/\Arustc ([\d.]+)/, 1]
    return "Rust #{wanted} or later is needed: install it from https://rustup.rs" if version.nil? || !found?("cargo")
    return if Gem::Version.new(version) >= Gem::Version.new(wanted)

    "Rust #{wanted} or later is needed, this is #{version}: run `rustup update stable`"
  end

  def compiler_missing
    compiler = @env.fetch("CXX", "c++")
    return if found?(compiler.split.first)

    "a C++ compiler is needed, and there is no #{compiler}: install g++ or clang++, or set CXX to its name"
  end

  def headers_missing
    return if File.exist?(File.join(@header_directory, "ruby.h"))

    "Ruby's headers are needed, and there are none in #{@header_directory}: install ruby-dev (Debian, Ubuntu, Alpine) " \
      "or ruby-devel (Fedora)"
  end

  def libclang_missing
    return unless libclang.nil?

    "libclang is needed, by which Ruby's headers are read: install libclang-dev (Debian, Ubuntu), clang-dev (Alpine) or " \
      "clang-devel (Fedora), or set LIBCLANG_PATH to the directory that it is in"
  end

  def by_version(directories)
    directories.sort_by { |directory| -directory[/llvm-(\d+)/, 1].to_i }
  end

  def found?(program)
    return File.executable?(program) if program.include?("/")

    @env.fetch("PATH", "").split(File::PATH_SEPARATOR).any? do |directory|
      path = File.join(directory, program)
      File.file?(path) && File.executable?(path)
    end
  end

  def output(*command)
    return "" unless found?(command.first)

    Open3.capture2({ "PATH" => @env["PATH"] }, *command).first
  end
end
