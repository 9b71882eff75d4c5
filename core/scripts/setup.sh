#!/usr/bin/env bash
# Makes sure that what a target needs is there. On Debian and its kin what is missing is installed with apt, and Node.js,
# where that one is too old, with npm into target/tools, which make's targets look into first; elsewhere this says what
# to install. Usage: setup.sh build|node|c|go|ruby|ffi-rzmq|drivers|perf …
set -eu

missing=()    # what is missing, in words
packages=()   # the Debian packages that bring it
from_backports=no
wants_node=no
root=$(cd "$(dirname "$0")/../.." && pwd)
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
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
  have=$(rustc --version | cut -d ' ' -f 2)
  if [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" != "$wanted" ]; then
    echo "Rust $wanted or later is needed, this is $have: run 'rustup update stable', then try again." >&2
    exit 1
  fi
  command -v c++ >/dev/null || command -v g++ >/dev/null || need "a C++ compiler" g++
}

check_node() {
  command -v node >/dev/null || need "Node.js" nodejs
  command -v npm >/dev/null || need "npm" npm
  wants_node=yes
}

# Debian 12's own Node.js is too old. npm has packages that hold nothing but the program.
newer_node() {
  local wanted have tools="$root/target/tools" system
  wanted=$(sed -n 's/^ *"node": ">=\([0-9]*\)".*/\1/p' "$root/bindings-node/package.json")
  have=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  [ "$have" -lt "$wanted" ] || return 0
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) system=linux-x64 ;;
    Linux-aarch64) system=linux-arm64 ;;
    *) system= ;;
  esac
  if [ -n "$system" ] && mkdir -p "$tools" &&
    npm install --prefix "$tools" --no-audit --no-fund --loglevel error "node-$system@$wanted" &&
    "$tools/node_modules/.bin/node" --version >/dev/null; then
    echo "installed: Node.js $wanted in target/tools, for make's targets"
    return 0
  fi
  echo "Node.js $wanted or later is needed, this is $have: install it from https://nodejs.org, then try again." >&2
  exit 1
}

# Debian 12's own Go is too old; its backports have one that is not.
check_go() {
  local wanted have=0
  wanted=$(sed -n 's/^go //p' "$root/bindings-c/go/go.mod")
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

# Ruby with its headers, and libclang, by which the crate reads them.
check_ruby() {
  ruby -e 'exit RUBY_VERSION.split(".").map(&:to_i).<=>([3, 1]) >= 0' 2>/dev/null || need "Ruby 3.1 or later" ruby
  ruby -rrbconfig -e 'exit File.exist?(File.join(RbConfig::CONFIG["rubyhdrdir"], "ruby.h"))' 2>/dev/null ||
    need "Ruby's headers" ruby-dev
  # libclang-cpp is another library.
  [ -n "${LIBCLANG_PATH:-}" ] || ldconfig -p | grep -qE 'libclang(-[0-9.]+)?\.so' ||
    ls /usr/lib/llvm-*/lib/ 2>/dev/null | grep -qE '^libclang(-[0-9.]+)?\.so' ||
    need "libclang" libclang1-14 libclang-common-14-dev
}

# What the published Ruby gem's loops are measured with.
check_ffi_rzmq() {
  ruby -e 'require "ffi-rzmq"' 2>/dev/null || need "the ffi-rzmq gem" ruby-ffi-rzmq
}

# What tells where processor time goes.
check_perf() {
  command -v perf >/dev/null || need "perf" linux-perf
}

# What the programs need that tests drive in C.
check_drivers() {
  printf '#include <cjson/cJSON.h>\n' | gcc -E -x c - >/dev/null 2>&1 || need "libcjson" libcjson-dev
}

install_missing() {
  printf 'missing: %s\n' "${missing[@]}"
  if ! command -v apt-get >/dev/null; then
    echo "This system has no apt-get. Install the above with its package manager, then try again." >&2
    exit 1
  fi
  echo "installing: ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  local release=() codename archive
  if [ "$from_backports" = yes ]; then
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    archive=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $codename" | head -n 1)
    echo "deb $archive $codename-backports main" | "${as_root[@]}" tee /etc/apt/sources.list.d/backports.list >/dev/null
    release=(--target-release "$codename-backports")
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${release[@]}" "${packages[@]}"
}

for what in "$@"; do
  "check_${what//-/_}"
done
[ "${#missing[@]}" -eq 0 ] || install_missing
[ "$wants_node" = no ] || newer_node
