#!/usr/bin/env bash
# Builds the native part into lib/pigato, or into FOLDER, with cargo's PROFILE (default `dev`). Other scripts may source it
# to set LIBCLANG_PATH.
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
# A running process may have the old one open: replace it, do not overwrite it.
cp "$built" "$folder/pigato.so.new"
mv "$folder/pigato.so.new" "$folder/pigato.so"
