# make demo   the whole pipeline over a sample market, no key and no network
# make quick  the tests of pure parts, contracts and wording: after every change
# make test   every promise of the documents, tried once: before every commit
# make test-all   what make test leaves out: more kills, S3, browsers, benchmarks, random examples; before a release
# make faults the tests that docs/reliability.md and docs/security.md name, by themselves, whole
# make torture   hundreds of kills, and Dagster's own processes killed: some twenty minutes; its seed is printed
# make lint   ruff and mypy
# make bench   the benchmarks, on a market of 10,500 tickers made for them
# make audit  known vulnerabilities of the pinned dependencies, where there is a network
# make screenshots   the pictures of the documents, from a synthetic market
# make lock   write constraints.txt again from pyproject.toml (needs uv)

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

FAULTS := faults corpus vendor_faults test_secrets.py test_audit.py orchestration/test_instance.py \
	alerts/test_secrets.py assets/test_operations.py ingest/test_answers.py market/securities/test_reference.py \
	orchestration/test_hostile_runs.py orchestration/test_repair.py lake/test_lake.py \
	market/portfolio/test_late_splits.py queries/test_portfolio.py \
	market/portfolio/test_levels.py market/portfolio/test_dust.py market/prices/test_exact.py \
	queries/test_unfinished_sessions.py queries/test_outdated_inputs.py \
	lake/delta/test_commit_moments.py queries/test_outdated.py sources/massive/test_rest_calls.py \
	contracts/test_foreign_json.py lake/test_foreign_json.py sources/massive/test_reference.py \
	lake/test_power_cut.py lake/integrity/test_table.py lake/integrity/test_raw.py lake/integrity/test_verification_on_s3.py \
	lake/delta/test_fingerprints.py lake/test_probe.py lake/test_on_s3.py lake/test_single_tickers.py mine lake/sql/test_sql_on_s3.py lake/raw/test_raw_bucket.py lake/raw/test_raw_files.py \
	lake/delta/test_reading_failures.py lake/sql/test_sql_escapes.py lake/sql/test_sql_functions.py lake/sql/test_sql_walls.py \
	lake/sql/test_sql_limits.py lake/sql/test_sql_child.py lake/test_pickle.py lake/delta/test_maintenance.py \
	lake/delta/test_layouts.py lake/storage/test_leftovers.py \
	lake/delta/test_first_commit.py lake/delta/test_log_keeping.py lake/delta/test_expired_log.py cli/test_aged_lake.py queries/test_outdated.py cli/test_upgraded.py test_outdated_code.py \
	market/test_code_changes.py market/test_computed.py \
	cli/test_privacy.py cli/test_verify.py cli/test_verify_repair.py cli/test_verify_on_s3.py cli/test_lake_on_s3.py cli/test_rows.py \
	cli/test_reference_clock.py cli/test_places.py cli/test_signals.py cli/test_hostile_arguments.py cli/test_hostile_launches.py cli/test_ui_visitors.py \
	web/test_pages.py reports/test_file_names.py reports/test_escaping.py \
	sources/massive/test_rest.py sources/massive/test_rest_days.py sources/massive/test_rest_refusals.py sources/transfer/test_s3_refusals.py \
	sources/transfer/test_s3_downloads.py sources/transfer/test_gzip_file.py

QUICK := market contracts reports mine venues \
	alerts/test_wording.py alerts/test_message.py sources/massive/test_day_aggs.py \
	sources/massive/test_grouped_daily.py sources/massive/test_reference_rows.py test_import_rules.py test_promises.py \
	orchestration/test_partitions.py test_settings.py test_docs_index.py

PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile
SLOWEST := --durations=20 --durations-min=1

.PHONY: demo quick test test-all faults torture lint bench audit screenshots lock clean

demo: $(VENV)/.ready
	$(BIN)/candlelake demo

quick: $(VENV)/.ready-to-test
	$(PYTEST) --ignore-glob='$(CURDIR)/*/test_browser_*' $(addprefix assets_tests/,$(QUICK))

test: $(VENV)/.ready-to-test
	$(PYTEST) $(SLOWEST)

test-all: $(VENV)/.ready-to-test
	$(PYTEST) $(SLOWEST) -m '(thorough or hypothesis) and not torture' --hypothesis-profile=thorough

faults: $(VENV)/.ready-to-test
	$(PYTEST) -m 'not torture' $(addprefix assets_tests/,$(FAULTS))

torture: $(VENV)/.ready-to-test
	$(BIN)/pytest -n 2 --dist loadfile -m torture assets_tests/torture assets_tests/benchmarks assets_tests/cli/test_aged_lake.py

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
