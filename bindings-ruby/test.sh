#!/usr/bin/env bash
# Lints and builds the native part, checks the signatures, and runs the tests: all, those for the garbage collector, then those
# that are marked for it while it runs wherever it can; at last the gems are made and installed. Takes what Minitest takes.
set -eu
cd "$(dirname "$0")"

. ./build.sh
cargo clippy --package pigato-ruby --quiet -- --deny warnings
ruby -e 'load Gem.bin_path("rbs", "rbs")' -- -I sig validate --silent
ruby -w -Ilib -Itest test/all.rb "$@"
# Of rbs' own extension, by which the signatures are tested, objects must not be moved: it crashes. So this has a process of
# its own.
ruby -w -Ilib -Itest test/gc_test.rb "$@"
PIGATO_GC_STRESS=1 ruby -w -Ilib -Itest test/all.rb "$@"
PIGATO_GC_STRESS=1 ruby -w -Ilib -Itest test/gc_test.rb "$@"
ruby -w test/install/gem_test.rb "$@"
