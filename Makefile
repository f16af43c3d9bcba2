# Everything a developer types. PYTHON chooses the interpreter, VENV the folder of its
# environment: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
LAB := $(BIN)/python -m tests.lab

.PHONY: demo test check unit kernel mutants e2e e2e-full bench dist lab-up lab-down clean
.NOTPARALLEL:

# The demo cluster has a node whose kube-proxy stopped following. Status 1, "a finding", is the
# right answer to it; any other status is a failure.
demo: $(VENV)/.installed
	@printf '$$ kubectl svcnet ranges --bundle demo\n'
	@$(BIN)/kubectl-svcnet ranges --bundle demo
	@for words in "trace db-service" "check -A"; do \
	    printf '\n$$ kubectl svcnet %s --bundle demo\n' "$$words"; \
	    $(BIN)/kubectl-svcnet $$words --bundle demo; status=$$?; \
	    if [ $$status -ne 1 ]; then \
	        echo "error: the demo's $$words ends with status 1 (a finding), not $$status" >&2; exit 1; \
	    fi; \
	    printf '(exit status 1: a finding, as it should be here)\n'; \
	done

# All that needs no cluster. What could not run here is listed at the end, with the reason.
test: check unit

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.installed-dev
	$(PYTEST)

# KERNEL_CASES rulesets of each of seven kinds; each is asked about two dozen packets.
KERNEL_CASES ?= 60
kernel: $(VENV)/.installed-dev
	SVCNET_KERNEL_CASES=$(KERNEL_CASES) $(PYTEST) -m kernel --timeout 0

# Does a test notice when a match or target means something else?
mutants: $(VENV)/.installed-dev
	$(BIN)/python -m tests.mutate $(MUTANTS)

# Both backends of iptables at once, which the end-to-end tests are about.
lab-up: $(VENV)/.installed-dev
	$(LAB) up --backends nft,legacy,nft

lab-down: $(VENV)/.installed-dev
	$(LAB) down

e2e: lab-up
	$(PYTEST) -m "e2e and not full"

e2e-full: lab-up
	$(PYTEST) -m e2e --timeout 0

bench: lab-up
	$(BIN)/python -m benchmarks

dist: $(VENV)/.installed
	$(BIN)/python packaging/build.py

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	    echo "error: $(PYTHON) is not installed; on Debian and Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	    echo "error: $(PYTHON) is older than 3.10; name a newer one: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "error: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Stamps, so that a second run installs nothing.
$(VENV)/.installed: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed
