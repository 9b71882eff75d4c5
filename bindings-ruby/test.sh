#!/usr/bin/env bash
# Lints and builds the native part, checks the signatures, and runs the tests. Takes what Minitest takes.
set -eu
cd "$(dirname "$0")"

. ./build.sh
cargo clippy --package pigato-ruby --quiet -- --deny warnings
ruby -e 'load Gem.bin_path("rbs", "rbs")' -- -I sig validate --silent
ruby -w -Ilib -Itest test/all.rb "$@"
PIGATO_GC_STRESS=1 ruby -w -Ilib -Itest test/all.rb "$@"
