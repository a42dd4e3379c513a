# People and CI use the same verbs. `make` alone says what there is.
.PHONY: help bench bench-smoke test load compare check ceiling clean
.DEFAULT_GOAL := help

AUTHLAB := target/release/authlab

help:
	@echo "make bench                      micro-benchmarks, then the thousandfold scenario, then its ladder"
	@echo "make load SCENARIO=FILE         run a scenario (PROFILE=quick|full)"
	@echo "make compare BASE=RUN HEAD=RUN  two runs beside each other (LIMIT='p50 > 20%')"
	@echo "make ceiling                    the load generator beside wrk, on the same server"
	@echo "make test                       format, clippy, all tests"
	@echo "make check                      what CI runs"

