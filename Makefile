# The commands of this project. `make demo` and `make test` set the machine up themselves.

.PHONY: help build demo test console screenshots openapi schemathesis check fuzz faults crashes bench bench-curve bench-linkage bench-ledger bench-exposure

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

demo: build ## run the whole hub on a synthetic city (ARGS="--exit --json" are handed on)
	@target/release/isthmus demo $(ARGS)

build: ## set the machine up and build target/release/isthmus
	@.ci/setup demo
	@cargo build --release --bin isthmus

console: ## build the web application of the console (`make build` does it, too)
	@services/console/build

screenshots: build ## pictures of each page of the console, in both languages and two sizes, into screenshots/; four small ones for the README
	@.ci/setup test
	@node services/console/tests/screenshots.mjs target/release/isthmus screenshots $(ARGS)
	@node services/console/tests/screenshots.mjs target/release/isthmus docs/pictures --readme

openapi: ## write schemas/openapi.json, from which the console's client is made, as the hub serves it
	@services/console/build && cargo build --quiet --workspace --bin isthmus
	@node services/console/tests/openapi.mjs target/debug/isthmus

schemathesis: build ## requests made from the OpenAPI document, with a token of each role (ARGS="--examples 100 --roles cdc-tracer"): no 5xx, no undocumented answer
	@python=$$(tests/venv.sh tests/schemathesis target/schemathesis-venv) && $$python tests/schemathesis/run.py target/release/isthmus $(ARGS)

test: ## everything that must hold: format, lints, edges, schemas, all tests, docs
	@.ci/setup test
	@cargo xtask ci

check: ## the quick part of it: format, lints, edges, schemas
	@cargo xtask ci --quick

fuzz: ## libFuzzer on every parser, ten minutes each (FUZZ="--seconds 60 hospital-hl7"; FUZZ=--help)
	@.ci/setup demo
	@crates/fuzz/run $(FUZZ)

faults: ## kill the connector, the broker and the database under load (KILLS=200, SEED=1); nothing may be lost or doubled
	@.ci/setup test
	@KILLS=$(or $(KILLS),200) FAULTS_SEED=$(or $(SEED),1) cargo test --workspace --test faults -- --nocapture

crashes: ## crash the access log at 10,000 places of a simulated disk (SEEDS=10000); no acknowledged receipt may be lost
	@LEDGER_CRASH_SEEDS=$(or $(SEEDS),10000) cargo test --release -p ledger --lib -- --nocapture crash

bench: ## measure every stage in one run, as one table (ARGS="--residents 5000 --json"; ARGS=--help)
	@.ci/setup test
	@cargo build --release -p isthmus -p event-log --bin isthmus --bench hub --example bare_producer
	@cargo bench --quiet -p isthmus -p event-log --bench hub -- $(ARGS)

bench-curve: ## how fast the hub links records, by the number that it holds (CURVE="--bases 100000,1000000,10000000 --json")
	@.ci/setup demo
	@cargo bench --quiet -p linkage --bench curve -- $(CURVE)

bench-exposure: build ## contacts and codes at size: in memory, through the hub, and as SQL in DuckDB, compared (ARGS="--residents 5000")
	@python=$$(tests/venv.sh tests/exposure target/exposure-venv duckdb) && \
	    bench=$$(cargo bench -p exposure --bench contacts --no-run --message-format json | sed -n 's/.*"executable":"\([^"]*contacts-[^"]*\)".*/\1/p') && \
	    $$python tests/exposure/bench.py --bench $$bench $(ARGS)

bench-ledger: ## appends with proof from 64 clients, and verifying a million entries (ARGS="--entries 10000000")
	@cargo bench --quiet -p ledger --bench ledger -- $(ARGS)

bench-linkage: build bench-curve ## the curve, and `isthmus link` on every evaluation set, with Splink beside it (ARGS="--only short --without-splink")
	@python=$$(tests/venv.sh tests/linkage target/linkage-venv splink duckdb) && \
	    $$python tests/linkage/bench.py --data target/linkage-data $(ARGS)
