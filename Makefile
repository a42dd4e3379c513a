# People and CI use the same verbs. `make` alone says what there is.
.PHONY: help lab bench bench-smoke build test load compare exact exact-accept test-browser screenshots ceiling agree calibrate calibrate-gate others regressions replay ground-truth hold unmask worth cache-memory stampede never-wrong faults fuzz check
.DEFAULT_GOAL := help

AUTHLAB := target/release/authlab
SCENARIO ?= scenarios/thousandfold.toml
PROFILE ?= quick

help:
	@echo "make lab                        nine questions, a quarter of an hour, and a page of what each found"
	@echo "make bench                      micro-benchmarks, then the thousandfold scenario and its ladder"
	@echo "make load SCENARIO=FILE         one scenario (PROFILE=quick or full)"
	@echo "make compare BASE=RUN HEAD=RUN  two runs beside each other (LIMIT='p50 > 20%')"
	@echo "make exact                      instructions and allocations of a request, against bench/exact.json"
	@echo "make exact-accept               makes them its baseline"
	@echo "make ceiling                    the load generator beside wrk, on the same server"
	@echo "make agree                      its latencies beside those of wrk and oha"
	@echo "make calibrate-gate             how often the duel cries wolf here, and what it finds (an hour)"
	@echo "make others                     duels of nginx, uvicorn and Node"
	@echo "make replay                     an access log of nginx, replayed: planned, achieved, gaps"
	@echo "make regressions                changes that make the server slower: who names them"
	@echo "make never-wrong                a million random histories: is a cached decision ever another than without its cache"
	@echo "make faults                     faults of disks, stores, logs and clients: tried, held, lost"
	@echo "make fuzz                       six fuzz targets for ten minutes each (FUZZ_SECONDS=600): no panic, no hang, no wrong grant"
	@echo "make hold                       memory of 100 000 accounts in SQLite and as many sessions"
	@echo "make unmask                     how long the MD5 of an IPv4 address hides it here"
	@echo "make worth                      what a cache saves, by what it spares: a table"
	@echo "make cache-memory               bytes a remembered decision takes, and that ten million leave no trace"
	@echo "make stampede                   500 first requests of one token at once"
	@echo "make calibrate                  what this machine and the generator can tell apart"
	@echo "make ground-truth               scripted servers: recorded latency against arithmetic, verdicts of spoiled runs"
	@echo "make test                       format, clippy, all tests"
	@echo "make test-browser               a run's page, a lab's site and the server's /docs in Chromium"
	@echo "make screenshots                the same, and its pictures into reports/published/screenshots"
	@echo "make check                      what CI runs"

# An invalid run (exit 3) is measured and marked, not broken: people read it, gates use exit codes.
INVALID_IS_SHOWN := || { [ $$? -eq 3 ] && echo "not valid, for the reasons marked !: run again on a quieter machine"; }

# Without the benchmarks, which are a second binary to link: the soonest that anything is found.
lab:
	cargo build --release --workspace --bin authlab
	@echo $(AUTHLAB) lab --profile $(PROFILE)
	@$(AUTHLAB) lab --profile $(PROFILE) $(INVALID_IS_SHOWN)

# One command, so that the benchmarks share what the binary was built of.
build:
	cargo build --release --workspace --bin authlab --bench lab

# The main job.
bench: build
	$(AUTHLAB) bench --brief
	@echo $(AUTHLAB) run scenarios/thousandfold.toml
	@$(AUTHLAB) run scenarios/thousandfold.toml $(INVALID_IS_SHOWN)

load: build
	$(AUTHLAB) run $(SCENARIO) --profile $(PROFILE)

compare: build
	$(AUTHLAB) compare $(BASE) $(HEAD) $(if $(LIMIT),--fail-over '$(LIMIT)')

ceiling: build
	@command -v wrk >/dev/null || { echo "wrk is missing: apt-get install wrk"; exit 2; }
	$(AUTHLAB) ceiling --at-least 0.8

# The same path with tiny settings, on the build that the tests have made: its figures mean nothing.
bench-smoke:
	cargo build --workspace --bin authlab --bench lab
	target/debug/authlab bench --profile smoke --brief
	target/debug/authlab run scenarios/thousandfold.toml --profile smoke --runs target/runs $(INVALID_IS_SHOWN)

# What is recorded against what arithmetic says; it needs a quiet machine for a minute.
ground-truth:
	cargo test --release --workspace --test ground_truth --test tells -- --ignored --nocapture --test-threads 1

# Judged by counts, which no neighbour changes. The command itself is the tests' build: nothing of it is counted.
exact:
	@cargo build --quiet --workspace --bin authlab
	@target/debug/authlab exact

exact-accept:
	@cargo build --quiet --workspace --bin authlab
	@target/debug/authlab exact --accept

# Pacing, floor, ceiling, cost of recording and A/A noise of this machine; later runs carry it.
calibrate: build
	$(AUTHLAB) calibrate

# How often the duel cries wolf on this machine, and what it finds: more than an hour of quiet machine; `authlab calibrate-gate --resume` goes on.
calibrate-gate: build
	$(AUTHLAB) calibrate-gate --layouts $$(bash bench/layouts.sh 11)

# Somebody else's servers in duels: nginx, uvicorn, Node.
others:
	@command -v nginx >/dev/null || { echo "nginx is missing: apt-get install nginx-light"; exit 2; }
	cargo test --release --workspace --test others -- --ignored --nocapture --test-threads 1

# A log of 100 000 lines that nginx wrote, replayed at its own times.
replay: build
	@command -v nginx >/dev/null || { echo "nginx is missing: apt-get install nginx-light"; exit 2; }
	bash bench/replay/run.sh

# One server with many accounts and sessions.
hold: build
	python3 bench/hold/run.py $(AUTHLAB)

# What a hit saves of each way to verify, and from which share of hits on it pays.
worth: build
	$(AUTHLAB) bench worth/

cache-memory:
	cargo build --release --quiet --workspace --example memory
	@target/release/examples/memory

stampede:
	cargo build --release --quiet --workspace --example stampede
	@target/release/examples/stampede

# As in the tests, a hundred times as many, and others each time; NEVER_WRONG_SEED=N repeats a run.
never-wrong:
	NEVER_WRONG_SEED=$${NEVER_WRONG_SEED:-$$(date +%s)} NEVER_WRONG_HISTORIES=1000000 cargo test --release --workspace --test never_wrong -- --nocapture

# Each fault again, the long ones too; `make test` runs the short ones. Nothing of it is timed, so the tests' build will do.
faults:
	cargo test --workspace --test faults -- --include-ignored --nocapture --test-threads 1

# Each target for this many seconds. Without optimization, so that an overflow is a panic, and with the features of the
# workspace, so that nothing is compiled again after `make test`.
FUZZ_SECONDS ?= 600
fuzz:
	FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} FUZZ_SECONDS=$(FUZZ_SECONDS) cargo test --workspace --test fuzz -- --nocapture

# Every IPv4 address, hashed.
unmask:
	cargo build --release --quiet --workspace --example unmask
	@target/release/examples/unmask

# Changes that make the server slower, and one that does not: who names them.
regressions: build
	bash bench/regressions/run.sh

# Latencies beside wrk and oha.
agree: build
	@command -v wrk >/dev/null || { echo "wrk is missing: apt-get install wrk"; exit 2; }
	@command -v oha >/dev/null || { echo "oha is missing: cargo install oha --locked"; exit 2; }
	$(AUTHLAB) agree --within 0.1

# Redis and nginx are installed where that can be done without a password; the tests say what they could not test.
test:
	@for needed in redis-server:redis-server nginx:nginx-light; do \
		command -v $${needed%%:*} >/dev/null && continue; \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get install -y -q $${needed##*:} >/dev/null 2>&1 \
			|| echo "$${needed%%:*} is missing and cannot be installed here (apt-get install $${needed##*:}): what needs it is not tested"; \
	done
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --workspace --doc --quiet
	@if cargo nextest --version >/dev/null 2>&1; then \
		echo "cargo nextest run --workspace"; cargo nextest run --workspace; \
	else \
		echo "cargo test --workspace (cargo install cargo-nextest is faster)"; cargo test --workspace --bins --lib --tests; \
	fi

# Pages by the binary as it is now, of the published runs; what drives the browser is installed once, into target/.
test-browser:
	@command -v chromium >/dev/null || { echo "chromium is missing: apt-get install chromium"; exit 2; }
	@command -v node >/dev/null || { echo "node is missing: apt-get install nodejs npm"; exit 2; }
	cargo build --workspace --bin authlab
	tests/browser/install.sh target/tmp/browser
	node --test tests/browser/run.test.mjs tests/browser/site.test.mjs tests/browser/docs.test.mjs

screenshots: test-browser
	mkdir -p reports/published/screenshots
	cp target/screenshots/*.png reports/published/screenshots/

check: test test-browser bench-smoke exact
