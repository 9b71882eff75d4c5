#!/usr/bin/env bash
# Makes sure that what a target needs is there. On Debian and its kin what is missing is installed with apt; elsewhere
# this says what to install. Usage: setup.sh build|node|c|go|drivers …
set -eu

missing=()    # what is missing, in words
packages=()   # the Debian packages that bring it
from_backports=no
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

# Debian 12's own Go is too old; its backports have one that is not.
check_go() {
  local wanted have=0
  wanted=$(sed -n 's/^go //p' "$(dirname "$0")/../../bindings-c/go/go.mod")
  if command -v go >/dev/null; then
    have=$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//')
  fi
  if [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" != "$wanted" ]; then
    need "Go $wanted or later" golang-go
    from_backports=yes
  fi
}

check_c() {
  command -v gcc >/dev/null || need "a C compiler" gcc libc6-dev
  command -v make >/dev/null || need "make" make
  command -v pkg-config >/dev/null || need "pkg-config" pkg-config
  # The symbols of the C library are what valgrind works by.
  command -v valgrind >/dev/null || need "valgrind" valgrind libc6-dbg
}

# What the programs need that tests drive in C.
check_drivers() {
  printf '#include <cjson/cJSON.h>\n' | gcc -E -x c - >/dev/null 2>&1 || need "libcjson" libcjson-dev
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
release=()
if [ "$from_backports" = yes ]; then
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  archive=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $codename" | head -n 1)
  echo "deb $archive $codename-backports main" | "${as_root[@]}" tee /etc/apt/sources.list.d/backports.list >/dev/null
  release=(--target-release "$codename-backports")
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${release[@]}" "${packages[@]}"
