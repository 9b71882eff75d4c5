#!/usr/bin/env bash
# Lints and builds the native part, validates the signatures, and runs all tests, some of them again under GC stress. Then
# builds and installs the gems. Passes its arguments to Minitest.
set -eu
cd "$(dirname "$0")"

. ./build.sh
cargo clippy --package pigato-ruby --quiet -- --deny warnings
ruby -e 'load Gem.bin_path("rbs", "rbs")' -- -I sig validate --silent
ruby -w -Ilib -Itest test/all.rb "$@"
# The rbs extension, which tests the signatures, crashes when objects are moved: a separate process.
ruby -w -Ilib -Itest test/gc_test.rb "$@"
PIGATO_GC_STRESS=1 ruby -w -Ilib -Itest test/all.rb "$@"
PIGATO_GC_STRESS=1 ruby -w -Ilib -Itest test/gc_test.rb "$@"
ruby -w test/install/gem_test.rb "$@"
