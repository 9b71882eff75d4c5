#!/usr/bin/env bash
# Builds the native part where `-Ilib` finds it, or in FOLDER; PROFILE is cargo's, `dev` if it is not set. To be run, or to
# be read by another script for where libclang is.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")"

LIBCLANG_PATH=$(ruby -r./ext/pigato/toolchain -e 'puts Toolchain.new.libclang')
export LIBCLANG_PATH
profile=${PROFILE:-dev}
target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --package pigato-ruby --profile "$profile" --quiet
built=$target/${profile/#dev/debug}/libpigato_ruby.so
folder=${FOLDER:-lib/pigato}
mkdir -p "$folder"
# Not over the old one, which a process may have open.
cp "$built" "$folder/pigato.so.new"
mv "$folder/pigato.so.new" "$folder/pigato.so"
