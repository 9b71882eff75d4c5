# A newcomer needs two targets, `make demo` and `make test`; `make help` lists the others. Each
# target installs the tools that it needs and that are missing (core/scripts/setup.sh).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
# setup.sh installs there what the system does not have, or has in a version that is too old.
export PATH := $(CURDIR)/target/tools/node_modules/.bin:$(CURDIR)/target/tools/bin:$(PATH)
PUBLISHED := interop-tests/drivers/published
PUBLISHED_INSTALLED := $(PUBLISHED)/node_modules/.package-lock.json
SEEDS ?= 10000
SECONDS_PER_TARGET ?= 60
ROUNDS ?= 5
PREEMPTIONS ?= 3
SCALE ?= 1

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup:
	@core/scripts/setup.sh build

.PHONY: setup-test
setup-test:
	@core/scripts/setup.sh build lint node c go ruby drivers

.PHONY: demo
demo: setup ## run a broker, workers and a client in one process
	$(CARGO) run --release --quiet --package pigato-cli -- demo

.PHONY: build
build: setup ## build the command `pigato`: target/release/pigato
	$(CARGO) build --release --package pigato-cli

.PHONY: test
test: setup-test lint unit loom-small gate c go node ruby interop ## run every check that a change has to pass

# TARGETS=… runs other targets than demo and test; KEEP=1 keeps the root.
.PHONY: fresh
fresh: ## run demo and test in a minimal Debian 12 root (as root, 30 minutes)
	@KEEP=$(KEEP) core/scripts/fresh.sh $(TARGETS)

.PHONY: lint
lint: ## check formatting, lints, docs, dependencies, commit subjects
	@core/scripts/setup.sh build lint
	core/scripts/check-commits.sh
	core/scripts/check-dependencies.sh
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --exclude pigato-ruby --all-targets --quiet -- --deny warnings
	$(CARGO) metadata --locked --manifest-path core/fuzz/Cargo.toml --format-version 1 >/dev/null
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --exclude pigato-ruby --no-deps --quiet

.PHONY: msrv
msrv: ## check that the oldest supported Rust compiles all crates
	core/scripts/check-msrv.sh

.PHONY: unit
unit: setup ## run the Rust tests, with 1000 seeds of the simulator
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
gate: ## compare instructions per request with core/gate/instructions.toml
	@core/scripts/setup.sh build c
	$(CARGO) run --release --quiet --package pigato-gate

.PHONY: gate-renew
gate-renew: ## record instructions per request in core/gate/instructions.toml
	@core/scripts/setup.sh build c
	$(CARGO) run --release --quiet --package pigato-gate -- --renew

.PHONY: c
c: ## test the C library: plainly, under valgrind, with sanitizers, installed
	@core/scripts/setup.sh build c
	$(MAKE) -C bindings-c test PROFILE=dev

# Go and the drivers link this library; `make -C bindings-c` alone builds the optimised one.
.PHONY: c-library
c-library:
	@core/scripts/setup.sh build c
	$(MAKE) -C bindings-c PROFILE=dev

.PHONY: go
go: c-library ## test the Go package: vet, tests, race detector, cgo's checks, examples
	@core/scripts/setup.sh go
	bindings-c/go/test.sh

.PHONY: node
node: node-build $(PUBLISHED_INSTALLED) ## test the Node.js package: lint, types, tests, installed from tarball, source
	cd bindings-node && npm run --silent lint && npm test && npm run --silent test:install

.PHONY: node-build
node-build:
	@core/scripts/setup.sh build node
	cd bindings-node && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent build

.PHONY: node-package
node-package: ## build the npm tarballs, for this platform: bindings-node/dist
	@core/scripts/setup.sh build node
	cd bindings-node && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent build:release && npm run --silent package

# Cargo cannot even check the crate without Ruby's headers, so targets for all crates exclude it.
.PHONY: ruby
ruby: $(PUBLISHED_INSTALLED) ## test the Ruby gem: lint, signatures, tests, some under GC stress, installed gems
	@core/scripts/setup.sh build ruby
	bindings-ruby/test.sh

.PHONY: ruby-gem
ruby-gem: ## build the gems, of source and for this platform: bindings-ruby/dist
	@core/scripts/setup.sh build ruby
	cd bindings-ruby && DIST=dist rake gem native

.PHONY: ruby-build
ruby-build:
	@core/scripts/setup.sh build ruby
	bindings-ruby/build.sh

.PHONY: drivers
drivers: c-library node-build ruby-build $(PUBLISHED_INSTALLED)
	@core/scripts/setup.sh build node c go ruby drivers
	$(MAKE) -C interop-tests/drivers/c
	cd interop-tests/drivers/go && go vet . && $(WITH_LIBRARY) go build -o build/driver .
	$(CARGO) build --package pigato-interop --bins

$(PUBLISHED_INSTALLED): $(PUBLISHED)/package-lock.json
	@core/scripts/setup.sh node
	cd $(PUBLISHED) && npm ci --no-audit --no-fund
	touch $@

# FULL=1 runs all scenarios with every combination of client, worker and broker;
# ONLY=SCENARIO/CLIENT/WORKER/BROKER runs some of them; README=1 writes the result into interop-tests/README.md.
.PHONY: interop
interop: drivers ## test all languages with each other and the published packages
	cd $(PUBLISHED) && npm test
	$(CARGO) test --package pigato-interop --quiet
	@mkdir -p target/interop
	$(CARGO) run --package pigato-interop --quiet -- $(if $(FULL),--full) $(if $(ONLY),--only '$(ONLY)') \
		--json target/interop/report.json --junit target/interop/report.xml --html target/interop/report.html \
		$(if $(README),--readme interop-tests/README.md)

.PHONY: sim
sim: setup ## run SEEDS=… seeds of the simulator
	$(CARGO) run --release --package pigato-sim -- --seeds $(SEEDS)

.PHONY: fuzz
fuzz: setup ## fuzz each target for SECONDS_PER_TARGET=…
	core/fuzz/run.sh $(SECONDS_PER_TARGET)

.PHONY: bench-floor
bench-floor: setup ## measure throughput, latency and CPU of the Rust crate and of bare libzmq
	$(CARGO) bench --package pigato --bench floor

# Go does not notice a changed library that cgo links, so its checksum is part of the flags.
WITH_LIBRARY = CGO_CFLAGS="-O2 -g -DPIGATO_LIBRARY=$$(cksum < $(CURDIR)/bindings-c/build/libpigato.a | cut -d ' ' -f 1)"

# Builds the benchmark of the Rust crate and bare libzmq, and prints the path of the program.
FLOOR = $(CARGO) bench --package pigato --bench floor --no-run --message-format=json \
	| sed -n 's/.*"executable":"\([^"]*\/floor-[^"]*\)".*/\1/p'

.PHONY: bench-programs
bench-programs: $(PUBLISHED_INSTALLED)
	@core/scripts/setup.sh build c go node ruby ffi-rzmq perf
	$(MAKE) -C bindings-c bench
	cd bindings-ruby && PROFILE=release FOLDER=bench/build/pigato ./build.sh
	cd bindings-c/go && $(WITH_LIBRARY) go build -o ../build/go-bench ./examples/bench
	cd bindings-c/go/compare && go build -o ../../build/go-compare .
	cd bindings-node && npm ci --no-audit --no-fund && npm run --silent build:release
	cd bindings-node/bench && npm ci --no-audit --no-fund

# Builds the benchmark's programs for async-nats, and prints their path.
ASYNC_NATS = $(CARGO) build --release --package pigato-bench-all --features nats --bin nats --message-format=json \
	| sed -n 's/.*"executable":"\([^"]*\/nats\)".*/\1/p'

.PHONY: bench
bench: bench-programs ## measure all languages, libzmq and NATS: writes core/docs/performance.md
	$(CARGO) run --release --package pigato-bench-all -- --into core/docs --rounds $(ROUNDS) --scale $(SCALE) \
	  --floor "$$($(FLOOR))" --c bindings-c/build/bench --go bindings-c/build/go-bench \
	  --nats bindings-c/build/go-compare \
	  --node bindings-node/bench --ruby bindings-ruby/bench \
	  --async-nats "$$($(ASYNC_NATS))" --published $(PUBLISHED)

.PHONY: bench-go
bench-go: ## measure the Go package, the Rust crate and NATS
	@core/scripts/setup.sh build c go
	$(MAKE) -C bindings-c
	cd bindings-c/go && $(WITH_LIBRARY) go build -o ../build/go-bench ./examples/bench
	cd bindings-c/go/compare && go build -o ../../build/go-compare .
	bindings-c/build/go-compare "$$($(FLOOR))" bindings-c/build/go-bench

.PHONY: bench-node
bench-node: $(PUBLISHED_INSTALLED) ## measure the Node.js package, the published one and NATS
	@core/scripts/setup.sh build node go
	cd bindings-node && npm ci --no-audit --no-fund && npm run --silent build:release
	cd bindings-node/bench && npm ci --no-audit --no-fund
	cd bindings-c/go/compare && go build -o ../../../bindings-node/bench/build/nats-server github.com/nats-io/nats-server/v2
	cd bindings-node && node bench/compare.js --nats-server bench/build/nats-server --floor "$$($(FLOOR))"

.PHONY: bench-ruby
bench-ruby: ## measure the Ruby gem, the Rust crate and the published gem's loops over ffi-rzmq
	@core/scripts/setup.sh build ruby ffi-rzmq
	cd bindings-ruby && PROFILE=release FOLDER=bench/build/pigato ./build.sh
	ruby bindings-ruby/bench/compare.rb "$$($(FLOOR))"

.PHONY: clean
clean: ## remove everything that was built
	$(CARGO) clean
	rm -rf $(PUBLISHED)/node_modules interop-tests/drivers/*/build
	cd bindings-node && rm -rf node_modules *.node *.tgz dist native native.d.ts
	cd bindings-ruby && rm -rf lib/pigato/pigato.so *.gem dist native bench/build
	$(MAKE) -C bindings-c clean
