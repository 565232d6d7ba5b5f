# Everyday commands. `make run` and `make test` do all the set-up themselves.
PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
VENV := .venv/bin

.PHONY: run setup setup-dev interpreter worker practice assets lock

run: setup ## start the studio on embedded defaults and print its address
	@STUDIO_HOST=$(HOST) STUDIO_PORT=$(PORT) $(VENV)/python -m studio.serve

setup: interpreter ## make .venv from the lock files and build the front end
	@$(PYTHON) studio/bootstrap.py

setup-dev: interpreter
	@$(PYTHON) studio/bootstrap.py --dev

interpreter:
	@command -v $(PYTHON) >/dev/null || { echo "Set-up stopped: there is no program $(PYTHON). Python 3.11 or newer is needed: make run PYTHON=python3.12" >&2; exit 1; }

worker: setup ## a Celery worker, when CELERY_BROKER_URL is set
	@$(VENV)/celery -A studio.celery worker --loglevel INFO

practice: setup-dev ## a stand-in for model servers on port 8120: speaks every protocol, understands nothing
	@$(VENV)/python -m tests.fakes.openai_server --port 8120 --ttft-ms 200 --itl-ms 15

assets: setup ## build the front end again
	@$(VENV)/python -m studio.assets --force

lock: setup-dev ## write the lock files again from pyproject.toml and package.json
	@deploy/locks/lock.sh

# Tests, checks and figures --------------------------------------------------------------------------
TEST_WORKERS ?= auto
# No restarts: with loadfile, xdist 3.8 waits for ever once it has replaced a worker that crashed.
PYTEST := $(VENV)/python -m pytest -n $(TEST_WORKERS) --maxprocesses 8 --dist loadfile --max-worker-restart 0 -m "not e2e and not container"
# Outside CI, tests that need a program which is not here are skipped by name; in CI they fail.
OPTIONAL := $(if $(CI),,STUDIO_TEST_OPTIONAL=1)

.PHONY: test check fmt bench e2e

test: setup-dev ## every test on SQLite, then the database tests on PostgreSQL
	@$(OPTIONAL) $(PYTEST)
	@$(OPTIONAL) STUDIO_TEST_DATABASE=postgresql $(PYTEST)

e2e: setup-dev ## the walk through a real browser (needs chromium)
	@$(VENV)/python -m pytest tests/e2e -m e2e --exitfirst

check: setup-dev ## lint, formatting, types, missing migrations, Django's deployment checks
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy apps studio worker
	@STUDIO_DATA_DIR=var/check $(VENV)/python manage.py makemigrations --check --dry-run
	@STUDIO_DATA_DIR=var/check STUDIO_HTTPS=true $(VENV)/python manage.py check --deploy --fail-level WARNING

fmt: setup-dev ## format, and mend what the linter can mend
	@$(VENV)/ruff check --fix --quiet . || true
	@$(VENV)/ruff format .

bench: setup-dev ## measure the promised figures and print one table (ONLY=part of a name)
	@$(VENV)/python -m tests.bench $(ONLY)
