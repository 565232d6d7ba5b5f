# Everyday commands. `make run` and `make test` do all the set-up themselves.
PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
VENV := .venv/bin

.PHONY: run setup setup-dev worker assets lock

run: setup ## start the studio on embedded defaults and print its address
	@STUDIO_HOST=$(HOST) STUDIO_PORT=$(PORT) $(VENV)/python -m studio.serve

setup: ## make .venv from the lock files and build the front end
	@$(PYTHON) studio/bootstrap.py

setup-dev:
	@$(PYTHON) studio/bootstrap.py --dev

worker: setup ## a Celery worker, when CELERY_BROKER_URL is set
	@$(VENV)/celery -A studio.celery worker --loglevel INFO

assets: setup ## build the front end again
	@$(VENV)/python -m studio.assets --force

lock: setup-dev ## write the lock files again from pyproject.toml and package.json
	@deploy/locks/lock.sh
