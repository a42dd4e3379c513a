# People and CI use the same verbs. `make` alone says what there is; `make prove` lists what proves the tool itself.
.PHONY: help lab bench build load compare test check prove
.DEFAULT_GOAL := help

AUTHLAB := target/release/authlab
# Tests wait more than they compute: twice as many at once as there are cores here.
export RUST_TEST_THREADS ?= $(shell echo $$((2 * $$(nproc))))
export NEXTEST_TEST_THREADS ?= $(RUST_TEST_THREADS)
SCENARIO ?= scenarios/thousandfold.toml
PROFILE ?= quick

help:
	@echo "make lab                        nine questions, 20 minutes, and a page of what each found"
	@echo "make bench                      micro-benchmarks, then the thousandfold scenario and its ladder"
	@echo "make load SCENARIO=FILE         one scenario (PROFILE=quick or full)"
	@echo "make compare BASE=RUN HEAD=RUN  two runs beside each other (LIMIT='p50 > 20%')"
	@echo "make test                       format, clippy, all tests"
	@echo "make check                      what CI runs"
	@echo "make prove                      what proves the tool itself: a list, each a target of its own"

# Without the benchmarks, which are a second binary to link: the soonest that anything is found.
lab:
	cargo build --release --workspace --bin authlab
	$(AUTHLAB) lab --profile $(PROFILE)

# One command, so that the benchmarks share what the binary was built of.
build:
	cargo build --release --workspace --bin authlab --bench lab

# The main job.
bench: build
	$(AUTHLAB) prove bench --brief
	$(AUTHLAB) run scenarios/thousandfold.toml

load: build
	$(AUTHLAB) run $(SCENARIO) --profile $(PROFILE)

compare: build
	$(AUTHLAB) compare $(BASE) $(HEAD) $(if $(LIMIT),--fail-over '$(LIMIT)')

# Redis, nginx and PostgreSQL are installed where that can be done without a password; the tests say what they could not test.
test:
	@for needed in redis-server:redis-server nginx:nginx-light; do \
		command -v $${needed%%:*} >/dev/null && continue; \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get install -y -q $${needed##*:} >/dev/null 2>&1 \
			|| echo "$${needed%%:*} is missing and cannot be installed here (apt-get install $${needed##*:}): what needs it is not tested"; \
	done
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get install -y -q postgresql >/dev/null 2>&1 \
			|| echo "PostgreSQL is missing and cannot be installed here (apt-get install postgresql): what needs it is not tested"; }
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --package authlab --no-default-features -- -D warnings
	cargo test --workspace --doc --quiet
	@if cargo nextest --version >/dev/null 2>&1; then \
		echo "cargo nextest run --workspace"; cargo nextest run --workspace; \
	else \
		echo "cargo test --workspace (cargo install cargo-nextest is faster)"; cargo test --workspace --bins --lib --tests; \
	fi

check:
	.ci/run

prove:
	@sed -n 's/^## //p' workshop/proofs.mk

include workshop/proofs.mk
