# The commands of this project. `make demo` and `make test` set the machine up themselves.

.PHONY: help demo test check bench docs

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-8s %s\n", $$1, $$2 }'

demo: ## run the whole hub on a synthetic city (ARGS="--exit --json" are handed on)
	@.ci/setup demo
	@cargo build --release --bin isthmus
	@target/release/isthmus demo $(ARGS)

test: ## everything that must hold: format, lints, edges, schemas, all tests, docs
	@.ci/setup test
	@cargo xtask ci

check: ## the quick part of it: format, lints, edges, schemas
	@cargo xtask ci --quick

bench: ## measure the stages on this machine, in one run, as a table
	@.ci/setup test
	@cargo bench -p isthmus --bench hub -- $(ARGS)
