# make run            install the service and start it on port 8000
# make test           run all tests
# make test-client    run the client's unit tests on each Python from 3.10 that is found
# make test-client-install   install the client into a fresh environment and try it with a running service
# make test-gthread   run the end-to-end tests with gunicorn's worker class gthread
# make test-browser   try the page of the API in Chromium, and the metrics in Prometheus (needs both from Debian)
# make test-compose   start the Docker stack and test it (needs a Docker engine)
# make check          run the formatter, the linter, the type checker and the prose check
# make check-prose    find banned words and long sentences in docstrings, comments, messages and pages
# make format         format the code and apply the linter's fixes
# make fuzz           read damaged Parquet files, then test a service with schemathesis against its OpenAPI document
# make clean          remove the virtual environments
#
# Benchmarks. Those marked * write their part of docs/benchmarks.md.
#
# make bench-core *        fits in memory, compared with scikit-learn, autograd and a sum of the data
# make bench *             predictions over HTTP, compared with other servers (needs wrk)
# make bench-requests *    whole trainings, and latency under load (needs wrk)
# make bench-in-process *  one prediction without a server
# make bench-startup *     time of a start, and memory of each worker
# make bench-gunicorn *    gunicorn's worker classes, threads and parsers (needs wrk)
# make bench-streaming     memory growth of a worker from streamed bodies of 2 GB
# make bench-appends       cost of appends and of trainings in groups
# make bench-compare BASE=<revision>   speed of the working tree divided by that of another revision, in PAIRS=9 pairs
#
# Each target installs its requirements into .venv (and .venv-peers) and changes nothing else on the machine.
PYTHON ?= python3
BIN := .venv/bin
PAIRS ?= 9

.PHONY: run test test-client test-client-install test-gthread test-browser test-compose fuzz bench-compare bench-startup bench-appends bench-streaming bench-core bench-in-process bench bench-requests bench-gunicorn \
  check check-prose format clean

run: .venv/runtime
	exec $(BIN)/python -m service

test: .venv/development
	$(BIN)/pytest -n 2 --cov --cov-report=term tests/unit tests/integration client/tests
	$(BIN)/pytest -n 2 --dist worksteal tests/e2e
	@echo "Left out: test-browser (Chromium, Prometheus), test-compose (Docker), test-gthread, test-client, test-client-install"

test-browser: .venv/development
	$(BIN)/pytest tests/e2e/browser.py tests/e2e/prometheus.py

test-gthread: .venv/development
	TEST_WORKER_CLASS=gthread $(BIN)/pytest -rs -n 2 --dist worksteal tests/e2e

fuzz: .venv/development
	$(BIN)/python scripts/fuzz_parquet.py
	scripts/fuzz

bench-streaming: .venv/runtime
	$(BIN)/python benchmarks/streaming.py

bench-startup: .venv/runtime
	$(BIN)/python benchmarks/startup.py

bench-compare: .venv/runtime
	$(BIN)/python benchmarks/compare.py $(BASE) --pairs $(PAIRS)

bench-appends: .venv/runtime
	$(BIN)/python benchmarks/appends.py

bench-in-process: .venv/runtime
	$(BIN)/python benchmarks/in_process.py

bench-core: .venv/benchmarks
	$(BIN)/python benchmarks/core.py

bench: .venv/benchmarks
	$(BIN)/python benchmarks/serving.py

bench-requests: .venv/benchmarks
	$(BIN)/python benchmarks/end_to_end.py

bench-gunicorn: .venv/benchmarks
	$(BIN)/python benchmarks/gunicorn_options.py

test-client:
	scripts/test-client

test-client-install: .venv/development
	$(BIN)/pytest -s tests/e2e/client_install.py

test-compose: .venv/development
	$(BIN)/pytest -s tests/e2e/compose.py

check: check-prose
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check-prose: .venv/development
	$(BIN)/python scripts/check_prose.py

format: .venv/development
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .venv-peers

.venv/runtime: requirements.txt client/requirements.txt scripts/install pyproject.toml client/pyproject.toml
	scripts/install $(PYTHON) requirements.txt client/requirements.txt . client
	touch $@

.venv/development: .venv/runtime requirements-dev.txt client/requirements-test.txt
	scripts/install $(PYTHON) requirements-dev.txt
	touch $@

.venv/benchmarks: .venv/development benchmarks/requirements.txt
	scripts/install $(PYTHON) benchmarks/requirements.txt
	touch $@
