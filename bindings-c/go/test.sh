#!/usr/bin/env bash
# Checks and tests the Go package. Needs ../build/libpigato.a, which `make -C ..` builds.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v go >/dev/null; then
  echo "Go is not installed: see https://go.dev/doc/install" >&2
  exit 1
fi
if [[ ! -f ../build/libpigato.a ]]; then
  echo "../build/libpigato.a does not exist: run make in bindings-c first" >&2
  exit 1
fi

step() {
  echo "go: $*"
  "$@"
}

formatted() {
  local unformatted
  unformatted="$(gofmt -l .)"
  if [[ -n "$unformatted" ]]; then
    printf 'gofmt -w is needed for:\n%s\n' "$unformatted" >&2
    return 1
  fi
}

programs="$(mktemp -d)"
trap 'rm -rf "$programs"' EXIT

# The error without cgo, as README.md documents it.
reports_that_cgo_is_off() {
  local output
  ! output="$(CGO_ENABLED=0 go build . 2>&1)" && grep -q 'build constraints exclude all Go files' <<<"$output"
}

# Discards the linker's warnings about functions that load shared libraries even so: names of users and hosts.
all_static() {
  go build -ldflags '-extldflags "-static"' -o "$programs/static" ./examples/echo 2>/dev/null &&
    ! readelf -d "$programs/static" | grep NEEDED && "$programs/static"
}

# Links with a copy installed elsewhere. CGO_LDFLAGS is part of Go's cache key; the output of pkg-config is not.
dynamic() {
  local prefix="$PWD/../build/installed" stamps=(../build/*.built)
  make --no-print-directory -C .. install PREFIX="$prefix" PROFILE="$(basename "${stamps[0]}" .built)" >/dev/null
  PKG_CONFIG_PATH="$prefix/lib/pkgconfig" CGO_LDFLAGS="-L$prefix/lib" go build -tags pigato_dynamic -o "$programs/dynamic" ./examples/echo
  readelf -d "$programs/dynamic" | grep -q 'NEEDED.*\[libpigato.so.1\]'
  LD_LIBRARY_PATH="$prefix/lib" "$programs/dynamic"
}

# Runs the first program of README.md in its own module and on a free port.
first_program() {
  local module="$programs/first" package=github.com/prdn/pigato/bindings-c/go here="$PWD"
  mkdir "$module"
  awk '/^```go$/ { inside = 1; next } /^```$/ && inside { exit } inside' README.md |
    sed -e 's/WithEndpoint("[^"]*")/WithEndpoint("tcp:\/\/127.0.0.1:*"), pigato.WithIntch("")/' \
      -e 's/"tcp:\/\/127.0.0.1:55555"/broker.Endpoint()/' >"$module/main.go"
  (
    cd "$module"
    go mod init first 2>/dev/null
    go mod edit -require="$package@v0.0.0" -replace="$package=$here"
    go build -o first .
    [[ "$(./first)" == HELLO ]]
  )
}

step formatted
step go vet ./...
step reports_that_cgo_is_off
step go test -count=1 -timeout=300s ./...
# cgocheck=1 is the default; cgocheck2 also finds Go pointers that are stored in C memory.
step env GODEBUG=cgocheck=1 GOEXPERIMENT=cgocheck2 go test -count=1 -timeout=300s .
step go test -race -count=1 -timeout=300s .

# Built explicitly, because `go run` may reuse a program that was linked with an older library.
step go build -o "$programs" ./examples/...
for program in echo stocks; do
  step "$programs/$program"
done
step all_static
step dynamic
step first_program
