# make run    bring the service up            make check    format, lint and type checks
# make test   run the tests                   make format   mend what the formatter and linter can
# make test-gthread   run the end-to-end tests with gunicorn's gthread in place of the service's own worker class
# make bench-startup  how long a start takes, and what a worker costs in memory
# make bench-life     what appends and groups cost
# make bench-streaming  how much a worker grows from a streamed body of 2 GB
# make fuzz           let schemathesis try the running service against its OpenAPI document
# make bench-in-process  what one row costs to predict without a server
# make bench-compare BASE=<revision>  speed of the working tree against another revision, in PAIRS=9 pairs
# make bench-core     fits in memory against scikit-learn, autograd and a bare pass; writes docs/benchmarks.md
# make bench          predictions over HTTP against other servers, with wrk; writes docs/benchmarks.md
# make bench-requests   trainings on many rows, and answer times under load; writes docs/benchmarks.md
# make bench-gunicorn   Descent under gunicorn's workers, threads and parsers; writes docs/benchmarks.md
# make test-compose   bring the Docker stack up and try it (needs a Docker engine)
#
# Each does its own set-up, in the folder .venv (and .venv-peers); nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin
PAIRS ?= 9

.PHONY: run test test-gthread test-compose fuzz bench-compare bench-startup bench-life bench-streaming bench-core bench-in-process bench bench-requests bench-gunicorn \
  check check-prose format clean

run: .venv/runtime
	exec $(BIN)/gunicorn

test: .venv/development
	$(BIN)/pytest -n 2 --cov --cov-report=term tests/unit tests/integration
	$(BIN)/pytest tests/e2e

test-gthread: .venv/development
	DESCENT_TEST_WORKER_CLASS=gthread $(BIN)/pytest -rs tests/e2e

fuzz: .venv/development
	scripts/fuzz

bench-streaming: .venv/runtime
	$(BIN)/python benchmarks/streaming.py

bench-startup: .venv/runtime
	$(BIN)/python benchmarks/startup.py

bench-compare: .venv/runtime
	$(BIN)/python benchmarks/compare.py $(BASE) --pairs $(PAIRS)

bench-life: .venv/runtime
	$(BIN)/python benchmarks/life.py

bench-in-process: .venv/runtime
	$(BIN)/python benchmarks/in_process.py

bench-core: .venv/benchmarks
	$(BIN)/python benchmarks/core.py

bench: .venv/benchmarks
	$(BIN)/python benchmarks/serving.py

bench-requests: .venv/benchmarks
	$(BIN)/python benchmarks/whole_requests.py

bench-gunicorn: .venv/benchmarks
	$(BIN)/python benchmarks/gunicorn_choices.py

test-compose: .venv/development
	$(BIN)/pytest -s tests/e2e/compose.py

check: .venv/development
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

.venv/runtime: requirements.txt scripts/install pyproject.toml
	scripts/install $(PYTHON) requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/development: .venv/runtime requirements-dev.txt
	scripts/install $(PYTHON) requirements-dev.txt
	touch $@

.venv/benchmarks: .venv/development benchmarks/requirements.txt
	scripts/install $(PYTHON) benchmarks/requirements.txt
	touch $@
