#!/usr/bin/env bash
# Checks that the tools a make target needs are installed, and installs those that are missing: on
# Debian and Ubuntu with apt-get; into target/tools where the system's version is too old. On other
# systems it prints what to install. The Makefile puts target/tools at the front of PATH.
# Usage: setup.sh build|lint|node|c|go|ruby|ffi-rzmq|drivers|perf|fresh …
set -eu

# Another version may judge licences differently, so `make lint` uses exactly this one.
cargo_deny=0.20.2

root=$(cd "$(dirname "$0")/../.." && pwd)
tools=$root/target/tools
export PATH="$tools/node_modules/.bin:$tools/bin:$PATH"

missing=()        # descriptions for the user
packages=()       # Debian packages that contain what is missing
from_backports=no
wants_node=no
wants_cargo_deny=no
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

need() { # description, package …
  missing+=("$1")
  shift
  packages+=("$@")
}

fail() { # line …
  printf '%s\n' "$@" >&2
  exit 1
}

at_least() { # wanted version, present version
  [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

check_build() {
  command -v cargo >/dev/null ||
    fail "Rust is not installed: install it from https://rustup.rs, then try again."
  local wanted have
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
  have=$(rustc --version | cut -d ' ' -f 2)
  at_least "$wanted" "$have" ||
    fail "Rust $wanted or later is required, but $have is installed." \
      "Run 'rustup update stable', then try again."
  command -v c++ >/dev/null || command -v g++ >/dev/null || need "a C++ compiler" g++
}

check_lint() {
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 ||
    fail "rustfmt or clippy is not installed." \
      "Run 'rustup component add rustfmt clippy', then try again."
  [ "$(cargo-deny --version 2>/dev/null)" = "cargo-deny $cargo_deny" ] || wants_cargo_deny=yes
}

check_node() {
  command -v node >/dev/null || need "Node.js" nodejs
  command -v npm >/dev/null || need "npm" npm
  wants_node=yes
}

# Debian 12 contains Go 1.19; its backports contain a later one.
check_go() {
  local wanted have=0
  wanted=$(sed -n 's/^go //p' "$root/bindings-c/go/go.mod")
  if command -v go >/dev/null; then
    have=$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//')
  fi
  if ! at_least "$wanted" "$have"; then
    need "Go $wanted or later" golang-go
    from_backports=yes
  fi
}

check_c() {
  command -v gcc >/dev/null || need "a C compiler" gcc libc6-dev
  command -v make >/dev/null || need "make" make
  command -v pkg-config >/dev/null || need "pkg-config" pkg-config
  # valgrind needs the symbols of libc.
  command -v valgrind >/dev/null || need "valgrind" valgrind libc6-dbg
}

# bindgen reads Ruby's headers with libclang.
check_ruby() {
  ruby -e 'exit RUBY_VERSION.split(".").map(&:to_i).<=>([3, 1]) >= 0' 2>/dev/null ||
    need "Ruby 3.1 or later" ruby
  ruby -rrbconfig -e 'exit File.exist?(File.join(RbConfig::CONFIG["rubyhdrdir"], "ruby.h"))' \
    2>/dev/null || need "Ruby's headers" ruby-dev
  # libclang-cpp is a different library.
  [ -n "${LIBCLANG_PATH:-}" ] || ldconfig -p | grep -qE 'libclang(-[0-9.]+)?\.so' ||
    ls /usr/lib/llvm-*/lib/ 2>/dev/null | grep -qE '^libclang(-[0-9.]+)?\.so' ||
    need "libclang" libclang1-14 libclang-common-14-dev
}

# The benchmarks measure the published Ruby gem's loops with it.
check_ffi_rzmq() {
  ruby -e 'require "ffi-rzmq"' 2>/dev/null || need "the ffi-rzmq gem" ruby-ffi-rzmq
}

check_perf() {
  command -v perf >/dev/null || need "perf" linux-perf
}

# The interop tests' program in C parses JSON.
check_drivers() {
  printf '#include <cjson/cJSON.h>\n' | gcc -E -x c - >/dev/null 2>&1 || need "libcjson" libcjson-dev
}

check_fresh() {
  command -v mmdebstrap >/dev/null || need "mmdebstrap" mmdebstrap
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
    need "Debian's archive keys" debian-archive-keyring
}

install_missing() {
  printf 'missing: %s\n' "${missing[@]}"
  command -v apt-get >/dev/null ||
    fail "This system has no apt-get." \
      "Install the above with its package manager, then try again."
  echo "installing with apt-get: ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  local release=() codename archive
  if [ "$from_backports" = yes ]; then
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    archive=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $codename" | head -n 1)
    echo "deb $archive $codename-backports main" |
      "${as_root[@]}" tee /etc/apt/sources.list.d/backports.list >/dev/null
    release=(--target-release "$codename-backports")
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${release[@]}" "${packages[@]}" \
    >/dev/null
}

# The lowest major version that a package.json accepts.
required_major() { # engine, package.json
  sed -n "s/^ *\"$1\": \">=\([0-9]*\)\".*/\1/p" "$root/$2"
}

major() {
  "$1" --version | sed 's/^v\?\([0-9]*\).*/\1/'
}

# Debian 12 contains Node.js 18 and npm 9. The npm registry has packages that contain the programs.
install_newer_node() {
  local node npm system have wanted=() describe=()
  node=$(required_major node bindings-node/package.json)
  npm=$(required_major npm interop-tests/drivers/published/package.json)
  have=$(major node)
  if [ "$have" -lt "$node" ]; then
    case "$(uname -s)-$(uname -m)" in
      Linux-x86_64) system=linux-x64 ;;
      Linux-aarch64) system=linux-arm64 ;;
      *)
        fail "Node.js $node or later is required, but $have is installed." \
          "Install it from https://nodejs.org, then try again."
        ;;
    esac
    wanted+=("node-$system@$node")
    describe+=("Node.js $node (the system has $have)")
  fi
  have=$(major npm)
  if [ "$have" -lt "$npm" ]; then
    wanted+=("npm@$npm")
    describe+=("npm $npm (the system has $have)")
  fi
  [ "${#wanted[@]}" -gt 0 ] || return 0

  printf 'installing into target/tools: %s\n' "${describe[@]}"
  mkdir -p "$tools"
  npm install --prefix "$tools" --no-audit --no-fund --loglevel error "${wanted[@]}" >/dev/null ||
    fail "npm could not install ${wanted[*]}: see the error above." \
      "Install Node.js $node or later with npm $npm or later from https://nodejs.org, then try again."
  hash -r
  [ "$(major node)" -ge "$node" ] && [ "$(major npm)" -ge "$npm" ] ||
    fail "What npm installed in target/tools does not run:" \
      "remove that folder, install Node.js $node or later from https://nodejs.org, then try again."
}

# Without optimisation: it runs for 2 seconds and compiles several times faster.
install_cargo_deny() {
  echo "installing into target/tools: cargo-deny $cargo_deny (compiles for 1 to 3 minutes)"
  cargo install cargo-deny --version "$cargo_deny" --locked --quiet --root "$tools" \
    --no-default-features --debug --config profile.dev.debug=false ||
    fail "cargo could not install cargo-deny $cargo_deny: see the error above."
}

for what in "$@"; do
  "check_${what//-/_}"
done
[ "${#missing[@]}" -eq 0 ] || install_missing
[ "$wants_node" = no ] || install_newer_node
[ "$wants_cargo_deny" = no ] || install_cargo_deny
