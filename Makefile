# make demo   the whole pipeline over a sample market, no key and no network
# make test   the tests
# make faults the quick part of the tests of faults, by itself; part of make test
# make torture   hundreds of kills, and Dagster's own processes killed: some twenty minutes; its seed is printed
# make lint   ruff and mypy
# make bench   the benchmarks, on a market of 10,500 tickers made for them
# make audit  known vulnerabilities of the pinned dependencies, where a network tells of them
# make screenshots   the pictures of the documents, from a synthetic market
# make lock   write constraints.txt anew from pyproject.toml (needs uv)

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
PYTHON ?= python3

ifdef UV
CREATE = uv venv --quiet --allow-existing --python '>=3.11,<3.14' $(VENV)
INSTALL = VIRTUAL_ENV=$(VENV) uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt
else
CREATE = $(PYTHON) -m venv $(VENV)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
endif

# Tests type hundreds of commands: where Python is told to write no bytecode, each would compile all of ours anew.
unexport PYTHONDONTWRITEBYTECODE

# Tests wait for processes and servers too: three workers keep two cores busy.
WORKERS ?= 3

FAULTS := faults corpus vendor_faults test_secrets.py test_audit.py \
	$(addprefix lake/test_,power_cut.py verification.py raw_verification.py verification_on_s3.py fingerprints.py probe.py \
	on_s3.py raw_bucket.py reading_failures.py sql_escapes.py pickle.py) \
	$(addprefix cli/test_,verify.py verify_repair.py verify_on_s3.py lake_on_s3.py hostile_arguments.py \
	hostile_launches.py ui_visitors.py)

.PHONY: demo test faults torture lint bench audit screenshots lock clean

demo: $(VENV)/.ready
	$(BIN)/candlelake demo

test: $(VENV)/.ready-to-test
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

faults: $(VENV)/.ready-to-test
	$(BIN)/pytest -n $(WORKERS) --dist loadfile $(addprefix assets_tests/,$(FAULTS))

torture: $(VENV)/.ready-to-test
	$(BIN)/pytest -n 2 --dist loadfile -m torture assets_tests/torture assets_tests/benchmarks

lint: $(VENV)/.ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.ready-to-test
	$(BIN)/python -m benchmarks

audit: | $(VENV)/bin/python
	$(BIN)/python .ci/audit

screenshots: $(VENV)/.ready-to-test
	$(BIN)/python -m assets_tests.screenshots

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header --upgrade --quiet -o constraints.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(CREATE)

$(VENV)/.ready: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e .
	touch $@

$(VENV)/.ready-to-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e '.[dev]'
	touch $@ $(VENV)/.ready
