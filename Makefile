# Needs only Python >= 3.10, Node >= 20 and make; everything else is installed into .venv, .nox and node_modules.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where real applications are installed, for the nightly tests.
APPLICATIONS := .venv-applications
# Where Emacs is installed, for the nightly tests.
EMACS := .emacs
# Of the types' complaints about tests: these do on purpose what types forbid, to objects that types do not know.
FORBIDDEN := attr-defined exit-return func-returns-value misc return untyped-decorator

# What is made side by side, and how it is split up for that; the parts that take longest come first.
SIDE_BY_SIDE = $(BIN)/python tests/parallel.py "$(MAKE)"
CORE = $(addprefix test-core-,$(shell $(BIN)/python tests/interpreters.py --names))
DEBUGGER := $(addprefix test-debugger-,1 2 3)

.DEFAULT_GOAL := help
.PHONY: help demo test check test-core test-debugger test-vscode test-e2e vsix docs dist wheels benchmark nightly clean test-project
.PHONY: $(DEBUGGER)

help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' Makefile

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Python 3.10 or later is needed: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -q -e '.[client,lsp]' --group test --group check
	touch $@

demo: $(VENV)/.ready  ## Stop an example under debugpy and print the tree of its async stacks.
	$(BIN)/asynctb run examples/order_service.py

# What the parts share is made before.
test: $(VENV)/.docs vscode-extension/node_modules/.ready  ## Run all tests, several parts at a time.
	$(SIDE_BY_SIDE) "test-vscode test-e2e" $(DEBUGGER) $(CORE) test-project check docs

check: $(VENV)/.ready  ## Lint and check types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=tests:tests/dap_extension $(BIN)/mypy --explicit-package-bases tests/*.py tests/dap_extension/*.py
	MYPYPATH=tests:tests/project:tools $(BIN)/mypy --explicit-package-bases \
	  tools/*.py tests/project/*.py hatch_build.py
	MYPYPATH=tests:$$(find tests/asynctb -type d ! -name '__*' | paste -sd:) $(BIN)/mypy --explicit-package-bases \
	  --no-warn-unused-ignores $(FORBIDDEN:%=--disable-error-code=%) tests/asynctb

test-debugger: $(VENV)/.ready  ## Run the tests of helper and terminal client, with debuggees on every interpreter.
	$(SIDE_BY_SIDE) $(DEBUGGER)

$(DEBUGGER): test-debugger-%: $(VENV)/.ready
	ASYNCTB_TEST_PART=$*/$(words $(DEBUGGER)) $(BIN)/python -X dev -m pytest tests/dap_extension

test-core: $(VENV)/.ready  ## Run the core's tests on every interpreter of this machine.
	$(SIDE_BY_SIDE) $(CORE)

test-core-%: $(VENV)/.ready
	$(BIN)/nox -p $*

test-project: $(VENV)/.ready  ## Run the tests of documentation and distributions.
	$(BIN)/python -X dev -m pytest tests/project

nightly: $(VENV)/.ready  ## Run the tests that look for rare failures, for hours.
	ASYNCTB_BUSY_LOOKS=2000 $(BIN)/nox -- -k test_busy
	ASYNCTB_TEST_STRESS_SECONDS=600 ASYNCTB_TEST_POINTS=200000 $(BIN)/nox -- -k 'frames_safety or frames_random or heap'
	ASYNCTB_TEST_SOAK_CYCLES=1000 ASYNCTB_FUZZ_REQUESTS=100000 \
	  $(BIN)/python -X dev -m pytest tests/dap_extension/test_soak.py tests/dap_extension/test_fuzz.py
	ASYNCTB_TEST_STRESS_SECONDS=120 $(BIN)/python -X dev -m pytest tests/dap_extension/test_building.py
	ASYNCTB_TEST_ADAPTER="$(CURDIR)/$(BIN)/python -m dap_extension.client adapter" ASYNCTB_FUZZ_REQUESTS=20000 \
	  $(BIN)/python -X dev -m pytest tests/dap_extension/test_fuzz.py tests/dap_extension/test_session_kinds.py \
	  tests/dap_extension/test_sessions.py tests/dap_extension/test_subprocesses.py
	tests/editors/install-emacs $(EMACS)
	ASYNCTB_EMACS="$(CURDIR)/$(EMACS)/emacs" $(BIN)/python -X dev -m pytest tests/dap_extension/test_emacs.py
	$(PYTHON) -m venv $(APPLICATIONS)
	$(APPLICATIONS)/bin/python -m pip install -q -e . -r tests/applications/requirements.txt
	$(APPLICATIONS)/bin/python tests/applications/soak.py

vscode-extension/node_modules/.ready: vscode-extension/package-lock.json
	cd vscode-extension && npm ci
	touch $@

test-vscode: $(VENV)/.ready vscode-extension/node_modules/.ready  ## Lint, check and test the extension's model.
	cd vscode-extension && npm run check && npm test

vsix: $(VENV)/.ready vscode-extension/node_modules/.ready  ## Package the extension.
	cd vscode-extension && npm run package

test-e2e: vsix  ## Drive a real VS Code workbench in a browser.
	tests/e2e/run

$(VENV)/.docs: $(VENV)/.ready
	$(BIN)/python -m pip install -q --group docs
	touch $@

docs: $(VENV)/.docs  ## Build the documentation into docs/_build/html.
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html

dist: $(VENV)/.ready  ## Make the wheel and the sdist, in dist/, and check them.
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

wheels: dist  ## Make the wheel for CPython 3.6 and 3.7, too.
	$(BIN)/python tools/older.py wheel dist/asynctb-*-py3-none-any.whl

benchmark: $(VENV)/.ready  ## Print the ratios of all benchmarks.
	for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean:  ## Remove what the other targets made.
	rm -rf $(VENV) $(APPLICATIONS) .nox build dist docs/_build vscode-extension/node_modules vscode-extension/dist vscode-extension/.libraries vscode-extension/*.vsix
