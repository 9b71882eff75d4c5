#!/usr/bin/env bash
# Builds the native part where `-Ilib` finds it. To be run, or to be read by another script for where libclang is.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ -z "${LIBCLANG_PATH:-}" ]; then
  # Debian keeps it out of the linker's sight.
  for directory in /usr/lib/llvm-*/lib; do
    if compgen -G "$directory/libclang*.so*" >/dev/null; then export LIBCLANG_PATH=$directory; fi
  done
fi
target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --package pigato-ruby --quiet
# Not over the old one, which a process may have open.
cp "$target/debug/libpigato_ruby.so" lib/pigato/pigato.so.new
mv lib/pigato/pigato.so.new lib/pigato/pigato.so
