#!/usr/bin/env bash
# Checks that the oldest Rust that Cargo.toml permits (rust-version) compiles all crates with the
# locked dependencies. Installs it with rustup if necessary. With --if-available, passes where that
# is impossible. Usage: check-msrv.sh [--if-available]
set -euo pipefail
cd "$(dirname "$0")/../.."

core/scripts/setup.sh build ruby
rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if ! rustup run "$rust" cargo --version >/dev/null 2>&1 &&
  ! rustup toolchain install "$rust" --profile minimal --no-self-update; then
  echo "rust-version NOT CHECKED: rustup (https://rustup.rs) could not install Rust $rust" >&2
  [ "${1:-}" = --if-available ]
  exit
fi
# The crate pigato-ruby finds libclang by this variable.
LIBCLANG_PATH=$(ruby -r./bindings-ruby/ext/pigato/toolchain -e 'puts Toolchain.new.libclang')
export LIBCLANG_PATH
# In target/debug, the two compilers would replace each other's crates.
CARGO_TARGET_DIR=target/msrv rustup run "$rust" \
  cargo check --locked --workspace --all-targets --quiet
echo "all crates compile with Rust $rust"
