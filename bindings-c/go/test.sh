#!/usr/bin/env bash
# Checks and tests the Go package. libpigato.a has to be in ../build, where `make -C ..` puts it.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v go >/dev/null; then
  echo "Go is not installed: see https://go.dev/doc/install" >&2
  exit 1
fi
if [[ ! -f ../build/libpigato.a ]]; then
  echo "../build/libpigato.a is missing: run make in bindings-c first" >&2
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

step formatted
step go vet ./...
step go test -count=1 -timeout=300s ./...
step env GODEBUG=cgocheck=1 go test -count=1 -timeout=300s .
step go test -race -count=1 -timeout=300s .

# Built anew, since `go run` may take a program that was linked with an older library.
programs="$(mktemp -d)"
trap 'rm -rf "$programs"' EXIT
step go build -o "$programs" ./examples/...
for program in echo stocks; do
  step "$programs/$program"
done
