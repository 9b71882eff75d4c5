# The two commands that a newcomer needs: `make demo` and `make test`. Both install what is missing first.
# `make help` lists the others.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
SEEDS ?= 10000
SECONDS_PER_TARGET ?= 60

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup:
	@core/scripts/setup.sh build

.PHONY: setup-test
setup-test:
	@core/scripts/setup.sh build node c

.PHONY: demo
demo: setup ## see it work: broker, workers and client in one process
	$(CARGO) run --release --quiet --package pigato-cli -- demo

.PHONY: build
build: setup ## the `pigato` command, at target/release/pigato
	$(CARGO) build --release --package pigato-cli

.PHONY: test
test: setup-test lint rings unit c interop ## everything that has to hold before a change lands

.PHONY: lint
lint: setup ## formatting and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- --deny warnings
	$(CARGO) clippy --package pigato --no-default-features --all-targets --quiet -- --deny warnings
	$(CARGO) metadata --locked --manifest-path core/fuzz/Cargo.toml --format-version 1 >/dev/null
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --quiet

.PHONY: rings
rings: setup ## the protocol and the machines build without sockets, threads or clock
	@core/scripts/check-rings.sh

.PHONY: unit
unit: setup ## Rust tests, the simulator's thousand seeds among them
	$(CARGO) test --workspace --exclude pigato-interop --quiet

.PHONY: c
c: ## the C library: its tests, plainly, under valgrind, with sanitizers, installed
	@core/scripts/setup.sh build c
	$(MAKE) -C bindings-c test PROFILE=dev

interop-tests/peers/pigato-js/node_modules/.package-lock.json: interop-tests/peers/pigato-js/package-lock.json
	cd interop-tests/peers/pigato-js && npm ci --no-audit --no-fund
	touch $@

.PHONY: interop
interop: setup-test interop-tests/peers/pigato-js/node_modules/.package-lock.json ## live tests with the published JavaScript package
	$(CARGO) test --package pigato-interop --quiet

.PHONY: sim
sim: setup ## simulate SEEDS=… worlds
	$(CARGO) run --release --package pigato-sim -- --seeds $(SEEDS)

.PHONY: fuzz
fuzz: setup ## fuzz each target for SECONDS_PER_TARGET=…
	core/fuzz/run.sh $(SECONDS_PER_TARGET)

.PHONY: bench
bench: setup ## throughput, latency and CPU beside what libzmq itself costs
	$(CARGO) bench --package pigato --bench floor

.PHONY: clean
clean: ## remove what was built
	$(CARGO) clean
	rm -rf interop-tests/peers/pigato-js/node_modules
	$(MAKE) -C bindings-c clean
