# The two commands that a newcomer needs: `make demo` and `make test`. Both install what is missing first.
# `make help` lists the others.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
# Where setup.sh puts what the system has too old; the other entries are untouched.
export PATH := $(CURDIR)/target/tools/node_modules/.bin:$(PATH)
SEEDS ?= 10000
SECONDS_PER_TARGET ?= 60
ROUNDS ?= 5
PREEMPTIONS ?= 3
SCALE ?= 1

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup:
	@core/scripts/setup.sh build

.PHONY: setup-test
setup-test:
	@core/scripts/setup.sh build node c go ruby drivers

.PHONY: demo
demo: setup ## see it work: broker, workers and client in one process
	$(CARGO) run --release --quiet --package pigato-cli -- demo

.PHONY: build
build: setup ## the `pigato` command, at target/release/pigato
	$(CARGO) build --release --package pigato-cli

.PHONY: test
test: setup-test lint rings unit loom-small gate c go node ruby interop ## everything that has to hold before a change lands

.PHONY: lint
lint: setup ## formatting and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --exclude pigato-ruby --all-targets --quiet -- --deny warnings
	$(CARGO) clippy --package pigato --no-default-features --all-targets --quiet -- --deny warnings
	$(CARGO) metadata --locked --manifest-path core/fuzz/Cargo.toml --format-version 1 >/dev/null
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --exclude pigato-ruby --no-deps --quiet

.PHONY: rings
rings: setup ## the protocol and the machines build without sockets, threads or clock
	@core/scripts/check-rings.sh

.PHONY: unit
unit: setup ## Rust tests, the simulator's thousand seeds among them
	$(CARGO) test --workspace --exclude pigato-interop --exclude pigato-ruby --quiet

# Only loom and the crate are built, apart from all else: the flag would have everything built again.
LOOM = RUSTFLAGS="--cfg loom" $(CARGO) test --package pigato-sync --lib --release --target-dir target/loom --quiet -- --nocapture

.PHONY: loom
loom: setup ## every order of steps of the threads in core/sync, with up to PREEMPTIONS=… preemptions of a thread
	LOOM_MAX_PREEMPTIONS=$(PREEMPTIONS) $(LOOM)

.PHONY: loom-small
loom-small: setup
	LOOM_MAX_PREEMPTIONS=2 $(LOOM)

.PHONY: gate
gate: ## instructions per request of every step in the machines, held against core/gate/instructions.toml
	@core/scripts/setup.sh build c
	$(CARGO) run --release --quiet --package pigato-gate

.PHONY: gate-renew
gate-renew: ## write core/gate/instructions.toml anew
	@core/scripts/setup.sh build c
	$(CARGO) run --release --quiet --package pigato-gate -- --renew

.PHONY: c
c: ## the C library: its tests, plainly, under valgrind, with sanitizers, installed
	@core/scripts/setup.sh build c
	$(MAKE) -C bindings-c test PROFILE=dev

# The library that Go and the drivers are linked with; `make -C bindings-c` alone makes the fast one.
.PHONY: c-library
c-library:
	@core/scripts/setup.sh build c
	$(MAKE) -C bindings-c PROFILE=dev

.PHONY: go
go: c-library ## the Go package: vet, tests, tests with the race detector and cgo's checks, examples
	@core/scripts/setup.sh go
	bindings-c/go/test.sh

.PHONY: node
node: node-build interop-tests/drivers/published/node_modules/.package-lock.json ## the Node.js package: lint, types, tests, its tarballs installed, built from source too
	cd bindings-node && npm run --silent lint && npm test && npm run --silent test:install

.PHONY: node-build
node-build:
	@core/scripts/setup.sh build node
	cd bindings-node && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent build

.PHONY: node-package
node-package: ## the tarballs of the Node.js package for npm, this platform's among them, in bindings-node/dist
	@core/scripts/setup.sh build node
	cd bindings-node && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent build:release && npm run --silent package

# Without Ruby and its headers the crate cannot even be checked, so that the targets for all crates leave it out.
.PHONY: ruby
ruby: interop-tests/drivers/published/node_modules/.package-lock.json ## the Ruby gem: lint, signatures, tests, some again under GC stress, the gems installed
	@core/scripts/setup.sh build ruby
	bindings-ruby/test.sh

.PHONY: ruby-gem
ruby-gem: ## the Ruby gem that is built where it is installed, and the one for this platform and Ruby, in bindings-ruby/dist
	@core/scripts/setup.sh build ruby
	cd bindings-ruby && DIST=dist rake gem native

.PHONY: ruby-build
ruby-build:
	@core/scripts/setup.sh build ruby
	bindings-ruby/build.sh

.PHONY: drivers
drivers: c-library node-build ruby-build interop-tests/drivers/published/node_modules/.package-lock.json
	@core/scripts/setup.sh build node c go ruby drivers
	$(MAKE) -C interop-tests/drivers/c
	cd interop-tests/drivers/go && go vet . && $(WITH_LIBRARY) go build -o build/driver .
	$(CARGO) build --package pigato-interop --bins

interop-tests/drivers/published/node_modules/.package-lock.json: interop-tests/drivers/published/package-lock.json
	@core/scripts/setup.sh node
	cd interop-tests/drivers/published && npm ci --no-audit --no-fund
	touch $@

# FULL=1 runs every client with every worker and broker in all scenarios, ONLY=SCENARIO/CLIENT/WORKER/BROKER a part;
# README=1 puts the outcome into README.md.
.PHONY: interop
interop: drivers ## every language with every other and with the published packages; FULL=1 for all combinations
	cd interop-tests/drivers/published && npm test
	$(CARGO) test --package pigato-interop --quiet
	@mkdir -p target/interop
	$(CARGO) run --package pigato-interop --quiet -- $(if $(FULL),--full) $(if $(ONLY),--only '$(ONLY)') \
		--json target/interop/report.json --junit target/interop/report.xml --html target/interop/report.html \
		$(if $(README),--readme README.md)

.PHONY: sim
sim: setup ## simulate SEEDS=… worlds
	$(CARGO) run --release --package pigato-sim -- --seeds $(SEEDS)

.PHONY: fuzz
fuzz: setup ## fuzz each target for SECONDS_PER_TARGET=…
	core/fuzz/run.sh $(SECONDS_PER_TARGET)

.PHONY: bench-floor
bench-floor: setup ## throughput, latency and CPU of the Rust crate beside what libzmq itself costs
	$(CARGO) bench --package pigato --bench floor

# Go does not notice that a library which cgo links has changed, unless something else changes with it.
WITH_LIBRARY = CGO_CFLAGS="-O2 -g -DPIGATO_LIBRARY=$$(cksum < $(CURDIR)/bindings-c/build/libpigato.a | cut -d ' ' -f 1)"

# Builds what libzmq itself costs, beside the Rust crate, and prints where it is.
FLOOR = $(CARGO) bench --package pigato --bench floor --no-run --message-format=json \
	| sed -n 's/.*"executable":"\([^"]*\/floor-[^"]*\)".*/\1/p'

.PHONY: bench-programs
bench-programs: interop-tests/drivers/published/node_modules/.package-lock.json
	@core/scripts/setup.sh build c go node ruby ffi-rzmq perf
	$(MAKE) -C bindings-c bench
	cd bindings-ruby && PROFILE=release FOLDER=bench/build/pigato ./build.sh
	cd bindings-c/go && $(WITH_LIBRARY) go build -o ../build/go-bench ./examples/bench
	cd bindings-c/go/compare && go build -o ../../build/go-compare .
	cd bindings-node && npm ci --no-audit --no-fund && npm run --silent build:release
	cd bindings-node/bench && npm ci --no-audit --no-fund

# Builds the roles with async-nats, and prints where they are.
ASYNC_NATS = $(CARGO) build --release --package pigato-bench-all --features nats --bin nats --message-format=json \
	| sed -n 's/.*"executable":"\([^"]*\/nats\)".*/\1/p'

.PHONY: bench
bench: bench-programs ## all languages beside libzmq, the published package and NATS, ROUNDS=… runs each: writes core/docs/performance.md
	$(CARGO) run --release --package pigato-bench-all -- --into core/docs --rounds $(ROUNDS) --scale $(SCALE) \
	  --floor "$$($(FLOOR))" --c bindings-c/build/bench --go bindings-c/build/go-bench --nats bindings-c/build/go-compare \
	  --node bindings-node/bench --ruby bindings-ruby/bench \
	  --async-nats "$$($(ASYNC_NATS))" --published interop-tests/drivers/published

.PHONY: bench-go
bench-go: ## the Go package's speed beside the Rust crate's and NATS
	@core/scripts/setup.sh build c go
	$(MAKE) -C bindings-c
	cd bindings-c/go && $(WITH_LIBRARY) go build -o ../build/go-bench ./examples/bench
	cd bindings-c/go/compare && go build -o ../../build/go-compare .
	bindings-c/build/go-compare "$$($(FLOOR))" bindings-c/build/go-bench

.PHONY: bench-node
bench-node: interop-tests/drivers/published/node_modules/.package-lock.json ## the Node.js package's speed beside the published one and NATS
	@core/scripts/setup.sh build node go
	cd bindings-node && npm ci --no-audit --no-fund && npm run --silent build:release
	cd bindings-node/bench && npm ci --no-audit --no-fund
	cd bindings-c/go/compare && go build -o ../../../bindings-node/bench/build/nats-server github.com/nats-io/nats-server/v2
	cd bindings-node && node bench/compare.js --nats-server bench/build/nats-server --floor "$$($(FLOOR))"

.PHONY: bench-ruby
bench-ruby: ## the Ruby gem's speed beside the Rust crate's and the published gem's loops over ffi-rzmq
	@core/scripts/setup.sh build ruby ffi-rzmq
	cd bindings-ruby && PROFILE=release FOLDER=bench/build/pigato ./build.sh
	ruby bindings-ruby/bench/compare.rb "$$($(FLOOR))"

.PHONY: clean
clean: ## remove what was built
	$(CARGO) clean
	rm -rf interop-tests/drivers/published/node_modules interop-tests/drivers/*/build bindings-node/node_modules bindings-node/*.node bindings-node/*.tgz bindings-node/dist bindings-node/native bindings-node/native.d.ts bindings-ruby/lib/pigato/pigato.so bindings-ruby/*.gem bindings-ruby/dist bindings-ruby/native bindings-ruby/bench/build
	$(MAKE) -C bindings-c clean
