#!/usr/bin/env bash
# Builds the native part where `-Ilib` finds it; PROFILE is cargo's, `dev` if it is not set. To be run, or to be read by
# another script for where libclang is.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")"

LIBCLANG_PATH=$(ruby -r./ext/pigato/toolchain -e 'puts Toolchain.new.libclang')
export LIBCLANG_PATH
profile=${PROFILE:-dev}
target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --package pigato-ruby --profile "$profile" --quiet
folder=$profile
[ "$profile" != dev ] || folder=debug
# Not over the old one, which a process may have open.
cp "$target/$folder/libpigato_ruby.so" lib/pigato/pigato.so.new
mv lib/pigato/pigato.so.new lib/pigato/pigato.so
