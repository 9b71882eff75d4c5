#!/usr/bin/env bash
# Makes sure that what a target needs is there. On Debian and its kin what is missing is installed with apt; elsewhere
# this says what to install. Usage: setup.sh build|node|c …
set -eu

missing=()    # what is missing, in words
packages=()   # the Debian packages that bring it
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

need() { # words, package …
  missing+=("$1")
  shift
  packages+=("$@")
}

check_build() {
  if ! command -v cargo >/dev/null; then
    echo "Rust is missing: install it from https://rustup.rs, then try again." >&2
    exit 1
  fi
  local wanted have
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../../Cargo.toml")
  have=$(rustc --version | cut -d ' ' -f 2)
  if [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" != "$wanted" ]; then
    echo "Rust $wanted or later is needed, this is $have: run 'rustup update stable', then try again." >&2
    exit 1
  fi
  command -v c++ >/dev/null || command -v g++ >/dev/null || need "a C++ compiler" g++
}

check_node() {
  local major=0
  if command -v node >/dev/null; then
    major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  fi
  [ "$major" -ge 18 ] || need "Node.js 18 or later" nodejs
  command -v npm >/dev/null || need "npm" npm
}

check_c() {
  command -v gcc >/dev/null || need "a C compiler" gcc libc6-dev
  command -v make >/dev/null || need "make" make
  command -v pkg-config >/dev/null || need "pkg-config" pkg-config
  # The symbols of the C library are what valgrind works by.
  command -v valgrind >/dev/null || need "valgrind" valgrind libc6-dbg
}

for what in "$@"; do
  "check_$what"
done

[ "${#missing[@]}" -gt 0 ] || exit 0
printf 'missing: %s\n' "${missing[@]}"
if ! command -v apt-get >/dev/null; then
  echo "This system has no apt-get. Install the above with its package manager, then try again." >&2
  exit 1
fi
echo "installing: ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}"
