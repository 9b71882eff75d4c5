#!/usr/bin/env bash
# The protocol and the state machines must not reach for sockets, threads, files or the clock: they build without the
# crates that could, for a target that has none of it, where that target is installed, and clippy forbids them the rest
# (clippy.toml).
set -euo pipefail
cd "$(dirname "$0")/../.."

crates=$(cargo tree --package pigato --no-default-features --edges normal --prefix none --format '{p}')
if grep -E '^(zmq|zmq-sys|mio|parking_lot|futures-util|libc|getrandom) ' <<<"$crates"; then
  echo "rings 1 and 2 depend on the crates above, which do I/O" >&2
  exit 1
fi
if rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null | xargs -I{} test -d {}; then
  cargo check --package pigato --no-default-features --target wasm32-unknown-unknown --quiet
  echo "rings: build for wasm32-unknown-unknown, which has no sockets and no clock"
else
  cargo check --package pigato --no-default-features --quiet
  echo "rings: build without any crate that does I/O (for more: rustup target add wasm32-unknown-unknown)"
fi
