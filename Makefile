# make repro: set up, check params.yaml and run the changed stages.  make test: set up and run the tests.
# make quick: run the linter and the tests that do not train, export or start a process.
# make docs: set up and build the pages into build/docs/site.
# make ui [PORT=4200] [CRON="0 3 * * *"] [TIMEZONE=Europe/Berlin]: set up and serve the flows.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: repro test quick ui docs
repro: .venv/installed
	$(BIN)/python -m stages.commands.check
	$(BIN)/python -m flows.dvc_command repro

# serve the Prefect UI, the flows and their schedules on this machine, until Ctrl-C
ui: .venv/installed
	$(BIN)/python -m flows.deploy $(if $(PORT),--port $(PORT)) $(if $(CRON),--cron "$(CRON)") $(if $(TIMEZONE),--timezone $(TIMEZONE))

# each process runs one file at a time, in the order of tests/conftest.py: by default xdist runs the longest last;
# three processes for two cores, as tests of schedules wait
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
