#!/usr/bin/env bash
# Builds the fuzz targets and runs each in turn: core/fuzz/run.sh [SECONDS_PER_TARGET [TARGET…]]
# Needs only Rust, any version, and a C++ compiler. Ends with an error at the first finding.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-60}
targets=("${@:2}")
if ((${#targets[@]} == 0)); then
  targets=(decode parse broker client worker zmtp)
fi

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../../target}/fuzz
host=$(rustc --version --verbose | sed -n 's/^host: //p')

# The options of `cargo fuzz` that a stable compiler accepts: coverage of edges and comparisons. The
# address sanitizer is not stable, and the fuzzed code contains no unsafe code.
coverage='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4'
coverage+=' -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table'
coverage+=' -Cllvm-args=-sanitizer-coverage-trace-compares'

# With --target the flags do not apply to build scripts and procedural macros, which would not link.
RUSTFLAGS=$coverage cargo build --quiet --locked --release --features targets --target "$host" "${targets[@]/#/--bin=}"
RUSTFLAGS='' cargo build --quiet --locked --bin seeds

if [[ -d ../../interop-tests/golden ]]; then
  "$CARGO_TARGET_DIR/debug/seeds" ../../interop-tests/golden corpus
fi

for target in "${targets[@]}"; do
  binary=$CARGO_TARGET_DIR/$host/release/$target
  log=$CARGO_TARGET_DIR/$target.log
  mkdir -p "corpus/$target" findings
  if ! "$binary" "corpus/$target" -dict=frames.dict -max_total_time="$seconds" -max_len=4096 -timeout=10 \
    -rss_limit_mb=2048 -artifact_prefix="findings/$target-" -print_final_stats=1 &>"$log"; then
    grep -A 8 'panicked at\|ERROR: libFuzzer' "$log" | head -n 40 >&2
    finding=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    echo "fuzz: $target has a finding. Replay: $binary $PWD/${finding:-findings/…}" >&2
    exit 1
  fi
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  edges=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)
  echo "fuzz: $target: $executions executions in $seconds s, $edges"

  # Keep only inputs that add coverage.
  smallest=$(mktemp -d)
  if "$binary" -merge=1 "$smallest" "corpus/$target" &>>"$log"; then
    rm -rf "corpus/$target"
    mv "$smallest" "corpus/$target"
  fi
done
