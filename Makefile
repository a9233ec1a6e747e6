# make repro: set up, check params.yaml and run what it needs.  make test: set up and run the tests.
# make quick: for every edit, the linter and the tests that neither train nor export nor start a process.
# make docs: set up and build the pages, build/docs/site.
# make ui [PORT=4200] [CRON="0 3 * * *"] [TIMEZONE=Europe/Berlin]: set up and serve the flows.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: repro test quick ui docs
repro: .venv/installed
	$(BIN)/python -m stages.commands.check
	$(BIN)/python -m flows.dvc_command repro

# the Prefect UI on this machine, the flows behind it and their schedules, until Ctrl-C
ui: .venv/installed
	$(BIN)/python -m flows.deploy $(if $(PORT),--port $(PORT)) $(if $(CRON),--cron "$(CRON)") $(if $(TIMEZONE),--timezone $(TIMEZONE))

# a file to a process at a time, in the order of tests/conftest.py: otherwise xdist keeps the longest for the end;
# three for two cores, as tests of schedules wait
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test: .venv/installed
	$(PYTEST) --durations=10

quick: .venv/installed
	$(BIN)/python -m ruff check --quiet .
	$(BIN)/python -m ruff format --quiet --check .
	$(PYTEST) --quick

docs: .venv/installed
	$(BIN)/python -m docs.build

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Earshot needs Python 3.11 or later: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[pipeline,speech-synthesis,pretrained,augmentation,dask,hugging-face,docs,dev]"
	touch $@
