# What proves the tool itself. `make prove` prints the lines that begin with two signs.
.PHONY: bench-smoke exact exact-accept fuzz never-wrong faults test-browser screenshots ground-truth calibrate calibrate-gate calibrate-layouts duel-trial prove-bisect ceiling agree regressions check-regressions others replay worth cache-memory cache-hits stampede hold passwords redis-calls unmask

## make bench-smoke       the path of `make bench` with tiny settings, on the tests' build: its figures mean nothing
bench-smoke:
	cargo build --workspace --bin authlab --bench lab
	target/debug/authlab prove bench --profile smoke --brief
	target/debug/authlab run scenarios/thousandfold.toml --profile smoke --runs target/runs

## make exact             instructions and allocations of a request, against bench/exact.json
# Judged by counts, which no neighbour changes. The command itself is the tests' build: nothing of it is counted.
exact:
	@cargo build --quiet --workspace --bin authlab
	@target/debug/authlab prove exact

## make exact-accept      makes them its baseline
exact-accept:
	@cargo build --quiet --workspace --bin authlab
	@target/debug/authlab prove exact --accept

## make fuzz              six fuzz targets for ten minutes each (FUZZ_SECONDS=600): no panic, no hang, no wrong grant
# Without optimization, so that an overflow is a panic, and with the features of the workspace, so that nothing is
# compiled again after `make test`.
FUZZ_SECONDS ?= 600
fuzz:
	FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} FUZZ_SECONDS=$(FUZZ_SECONDS) cargo test --workspace --test fuzz -- --nocapture

## make never-wrong       a million random histories: is a cached decision ever another than without its cache
# Ten thousand of them are of three servers over one Redis, among faults.
# As in the tests, a hundred times as many, and others each time; NEVER_WRONG_SEED=N repeats a run.
never-wrong:
	NEVER_WRONG_SEED=$${NEVER_WRONG_SEED:-$$(date +%s)} NEVER_WRONG_HISTORIES=1000000 cargo test --release --workspace --test never_wrong -- --nocapture

## make faults            faults of disks, stores, logs and clients: tried, held, lost
# Each fault again, the long ones too; `make test` runs the short ones. Nothing of it is timed, so the tests' build will do.
faults:
	cargo test --workspace --test faults -- --include-ignored --nocapture --test-threads 1

## make test-browser      a run's page, a lab's site and the server's /docs in Chromium
# Pages by the binary as it is now, of the published runs; what drives the browser is installed once, into target/.
test-browser:
	@command -v chromium >/dev/null || { echo "chromium is missing: apt-get install chromium"; exit 2; }
	@command -v node >/dev/null || { echo "node is missing: apt-get install nodejs npm"; exit 2; }
	cargo build --workspace --bin authlab
	tests/browser/install.sh target/tmp/browser
	node --test tests/browser/run.test.mjs tests/browser/site.test.mjs tests/browser/docs.test.mjs

## make screenshots       the same, and its pictures into reports/published/screenshots
screenshots: test-browser
	mkdir -p reports/published/screenshots
	cp target/screenshots/*.png reports/published/screenshots/

## make ground-truth      scripted servers: recorded latency against arithmetic, verdicts of spoiled runs
# It needs a quiet machine for minutes.
ground-truth:
	cargo test --release --workspace --test ground_truth --test tells --test shared_duel -- --ignored --nocapture --test-threads 1

## make calibrate         what this machine and the generator can tell apart
# Pacing, floor, ceiling, cost of recording and A/A noise of this machine; later runs carry it.
calibrate: build
	$(AUTHLAB) calibrate

## make calibrate-gate    the duel's false-positive rate and power under noise (three hours, in pieces)
# Three hours of a machine that is otherwise quiet. What is there already is not measured again, so that it may be stopped
# and started at will: GATE="--pause-after 25m", or GATE="--judge-only" for the page alone.
calibrate-gate: build
	$(AUTHLAB) prove calibrate-gate --resume --concurrent 200 --others $(GATE)

## make calibrate-layouts the same source linked in eleven orders: is any duel between them an alarm?
calibrate-layouts: build
	$(AUTHLAB) prove calibrate-gate --resume --noise quiet --blocks 0 --live 0 --power 0 --layouts $$(bash bench/layouts.sh 11)

## make duel-trial        rules of a duel on made-up noise: the table of ADR 14
duel-trial:
	AUTHLAB_TRIAL=300 cargo test --release -p authlab-reports --lib rivals -- --nocapture

## make prove-bisect      how often `authlab bisect` names the right commit of 64, beside bursts (ten minutes)
# `authlab prove bisect --resume` goes on.
prove-bisect: build
	$(AUTHLAB) prove bisect

## make ceiling           the load generator beside wrk, on the same server
ceiling: build
	@command -v wrk >/dev/null || { echo "wrk is missing: apt-get install wrk"; exit 2; }
	$(AUTHLAB) prove ceiling --at-least 0.8

## make agree             its latencies beside those of wrk and oha
agree: build
	@command -v wrk >/dev/null || { echo "wrk is missing: apt-get install wrk"; exit 2; }
	@command -v oha >/dev/null || { echo "oha is missing: cargo install oha --locked"; exit 2; }
	$(AUTHLAB) prove agree --within 0.1

## make check-regressions faults of forward authorization, put back: authlab check finds each
check-regressions:
	bash check/regressions/run.sh

## make regressions       changes that make the server slower: who names them
regressions: build
	bash bench/regressions/run.sh

## make others            duels of nginx, uvicorn and Node
others:
	@command -v nginx >/dev/null || { echo "nginx is missing: apt-get install nginx-light"; exit 2; }
	cargo test --release --workspace --test others -- --ignored --nocapture --test-threads 1

## make replay            an access log of nginx, replayed: planned, achieved, gaps
# A log of 100 000 lines that nginx wrote, replayed at its own times.
replay: build
	@command -v nginx >/dev/null || { echo "nginx is missing: apt-get install nginx-light"; exit 2; }
	bash bench/replay/run.sh

## make worth             what a cache saves, by what it spares: a table
# What a hit saves of each way to verify, and from which share of hits on it pays.
worth: build
	$(AUTHLAB) prove bench worth/

## make cache-memory      bytes a remembered decision takes, and that ten million leave no trace
cache-memory:
	cargo build --release --quiet --workspace --example memory
	@target/release/examples/memory

## make cache-hits        how many requests each store answers, by how tokens are used: the same on any machine
cache-hits:
	cargo build --release --quiet --workspace --example hits
	@target/release/examples/hits

## make stampede          500 first requests of one token at once
stampede:
	cargo build --release --quiet --workspace --example stampede
	@target/release/examples/stampede

## make hold              memory of 100 000 accounts in SQLite, and in PostgreSQL, and as many sessions
hold: build
	python3 bench/hold/run.py $(AUTHLAB)

## make passwords         guesses a second of each password hash, and the memory of 200 sign-ins at once: a table
passwords: build
	cargo build --release --quiet --workspace --example guess
	@python3 bench/passwords/run.py $(AUTHLAB) target/release/examples/guess

## make redis-calls       scripts, commands and CPU time of Redis for a million decisions, by cache
redis-calls: build
	@command -v redis-server >/dev/null || { echo "redis-server is missing: apt-get install redis-server"; exit 2; }
	python3 bench/calls/run.py $(AUTHLAB)

## make unmask            how long the MD5 of an IPv4 address hides it here
unmask:
	cargo build --release --quiet --workspace --example unmask
	@target/release/examples/unmask
