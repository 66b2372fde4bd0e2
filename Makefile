# The commands of this project. `make demo` and `make test` set the machine up themselves.

.PHONY: help build demo test check bench

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-8s %s\n", $$1, $$2 }'

demo: build ## run the whole hub on a synthetic city (ARGS="--exit --json" are handed on)
	@target/release/isthmus demo $(ARGS)

build: ## set the machine up and build target/release/isthmus
	@.ci/setup demo
	@cargo build --release --bin isthmus

test: ## everything that must hold: format, lints, edges, schemas, all tests, docs
	@.ci/setup test
	@cargo xtask ci

check: ## the quick part of it: format, lints, edges, schemas
	@cargo xtask ci --quick

bench: ## measure every stage on this machine, in one run, as tables
	@.ci/setup test
	@cargo bench --bench rows -p connector
	@cargo run --release -p event-log --example throughput
	@cargo run --release -p projector --example throughput
	@cargo run --release -p linkage --example bench
	@cargo run --release -p ledger --example bench
