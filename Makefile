# `make check` looks at what was changed; `.ci/run` at everything.
PYTHON := .venv/bin/python

.PHONY: check format

check:
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	$(PYTHON) -m tests.changed | xargs $(PYTHON) -m pytest -q --numprocesses=0 -m "not slow and not browser"

format:
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format
