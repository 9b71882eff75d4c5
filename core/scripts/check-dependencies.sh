#!/usr/bin/env bash
# Checks licences, bans and sources of all crates against deny.toml, and known vulnerabilities where
# the advisory database can be fetched.
set -euo pipefail
cd "$(dirname "$0")/../.."

check() { # check …
  cargo deny --workspace check --hide-inclusion-graph "$@"
  cargo deny --workspace --manifest-path core/fuzz/Cargo.toml --config deny.toml \
    check --hide-inclusion-graph "$@"
}

check licenses bans sources
if timeout 60 cargo deny fetch db >/dev/null 2>&1; then
  check advisories
else
  echo "advisories NOT CHECKED: the advisory database could not be fetched"
fi
