# `make check` looks at what was changed; `.ci/run` at everything. BASE: the commit since which files count as
# changed, by default where the branch left main; `make check BASE=HEAD` looks at what is not committed.
PYTHON := .venv/bin/python
BASE :=

.PHONY: check format

check:
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	$(PYTHON) -m tests.changed $(BASE) | xargs $(PYTHON) -m pytest -q --numprocesses=0 -m "not slow and not browser"

format:
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format
