#!/usr/bin/env bash
# Checks that the oldest Rust that Cargo.toml permits (rust-version) compiles all crates with the
# locked dependencies. Installs it with rustup if necessary. With --if-available, passes where that
# is impossible. Usage: check-msrv.sh [--if-available]
set -euo pipefail
cd "$(dirname "$0")/../.."

rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if ! rustup run "$rust" cargo --version >/dev/null 2>&1 &&
  ! rustup toolchain install "$rust" --profile minimal --no-self-update; then
  echo "rust-version NOT CHECKED: rustup (https://rustup.rs) could not install Rust $rust" >&2
  [ "${1:-}" = --if-available ]
  exit
fi
# pigato-ruby needs Ruby's headers. Another compiler in the same target folder would compile
# everything again each time.
CARGO_TARGET_DIR=target/msrv rustup run "$rust" \
  cargo check --locked --workspace --exclude pigato-ruby --all-targets --quiet
echo "all crates compile with Rust $rust"
