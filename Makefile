# `make help` lists the targets. PYTHON=/path/to/python chooses the interpreter of the virtual environment.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.PHONY: help dev demo test histories check admin import export bench verify reset lock upgrade-lock fmt migration migrate downgrade migrations

PYTHON ?=
comma := ,
VENV := .venv
RUN := $(VENV)/bin/python
LOCK := requirements/development.txt
STAMP := $(VENV)/installed.txt
COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-annotate $(UPGRADE)

# Another implementation of the payment provider, which the tests run as a process of its own: never imported.
PEER_LOCK := requirements/peer.txt
PEER := $(VENV)/peer
PEER_STAMP := $(PEER)/installed.txt

# Without bytecode every process would compile its imports again, which takes seconds.
export PYTHONDONTWRITEBYTECODE :=

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

dev: $(STAMP) ## start everything: servers, sandbox payments, worker, API
	@exec $(RUN) -m devstack up

demo: $(STAMP) ## tell the story of the checkout against the stack, starting one where none runs
	@$(RUN) -m devstack.demo.story

# All of them on every core, up to four: each process has servers of its own. With ARGS in this one.
test: $(STAMP) $(PEER_STAMP) ## run the tests, which start servers of their own
	@$(RUN) -m pytest $(or $(ARGS),-n auto --maxprocesses 4 --dist loadfile)

histories: $(STAMP) ## record the histories of this version that later versions must replay
	@$(RUN) -m pytest tests/workflows --record-histories -m history

check: $(STAMP) ## run ruff, mypy, import-linter and the migrations up and down
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	PYTHONPATH=. $(VENV)/bin/lint-imports
	$(RUN) -m devstack.migrations_check

admin: $(STAMP) ## make the first admin of the configured environment: make admin email=you@example.com
	@test -n "$(email)" || { echo 'Give it an address: make admin email=you@example.com' >&2; exit 1; }
	@$(RUN) -m commands.admin "$(email)" $(ARGS)

import: $(STAMP) ## bring a file's products into the configured catalogue: make import file=products.csv report=refused.csv
	@test -n "$(file)" || { echo 'Give it a file: make import file=products.csv' >&2; exit 1; }
	@$(RUN) -m commands.catalogue import "$(file)" $(if $(report),--report "$(report)") $(ARGS)

export: $(STAMP) ## write the configured catalogue into a file: make export file=products.csv
	@test -n "$(file)" || { echo 'Give it a file: make export file=products.csv' >&2; exit 1; }
	@$(RUN) -m commands.catalogue export "$(file)"

bench: $(STAMP) ## measure search, catalogue, carts, checkout and import on servers of their own
	@$(RUN) -m bench $(ARGS)

verify: $(STAMP) ## check the invariants of the running stack
	@$(RUN) -m devstack.verify

reset: $(STAMP) ## delete all state of the stack
	@$(RUN) -m devstack reset

fmt: $(STAMP) ## format the code and fix what can be fixed
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

migration: $(STAMP) ## write a migration from the models: make migration name="add coupons"
	@test -n "$(name)" || { echo 'Give it a name: make migration name="add coupons"' >&2; exit 1; }
	@$(RUN) -m devstack.migrations_check --new "$(name)"

migrate: $(STAMP) ## upgrade the configured database (TILLWRIGHT_DATABASE_URL) to the newest migration
	@$(RUN) -m alembic upgrade head

downgrade: $(STAMP) ## take the configured database back by one migration, or to=REVISION
	@$(RUN) -m alembic downgrade $(or $(to),-1)

migrations: $(STAMP) ## show where the configured database is, and all migrations
	@$(RUN) -m alembic current --verbose
	@$(RUN) -m alembic history

lock: $(STAMP) ## write requirements/*.txt anew after a change of pyproject.toml
	$(COMPILE) pyproject.toml -o requirements/production.txt
	$(COMPILE) pyproject.toml --all-extras -c requirements/production.txt -o $(LOCK)
	echo localstripe | $(COMPILE) - -o $(PEER_LOCK)

upgrade-lock: ## the same with the newest versions
	@$(MAKE) lock UPGRADE=--upgrade

# The first pip run installs uv alone, by hash, from the lock; uv then makes the environment hold exactly the lock.
# Where uv has no wheel or does not run, pip installs the lock.
$(STAMP): $(LOCK) | $(RUN)
	@cmp -s $(LOCK) $@ && touch $@ && exit 0; \
	echo "Installing $(LOCK) into $(VENV) …"; \
	sed -n '/^uv==/,/[^\\]$$/p' $(LOCK) > $(VENV)/uv.txt; \
	if $(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.txt \
		&& $(VENV)/bin/uv pip sync --quiet --compile-bytecode --require-hashes --python $(RUN) $(LOCK); then :; \
	else \
		echo "uv did not do it; installing with pip …"; \
		$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(LOCK) || exit 1; \
	fi; \
	cp $(LOCK) $@

$(PEER_STAMP): $(PEER_LOCK) | $(STAMP)
	@echo "Installing $(PEER_LOCK) into $(PEER) …"; \
	rm -rf $(PEER); $(RUN) -m venv --without-pip $(PEER) || exit 1; \
	if $(VENV)/bin/uv pip sync --quiet --compile-bytecode --require-hashes --python $(PEER)/bin/python $(PEER_LOCK); then :; \
	else \
		echo "uv did not do it; installing with pip …"; \
		$(RUN) -m pip --python $(PEER)/bin/python install --quiet --disable-pip-version-check --require-hashes --no-deps \
			-r $(PEER_LOCK) || exit 1; \
	fi; \
	cp $(PEER_LOCK) $@

# An interpreter counts when it runs and is new enough: a pyenv shim may exist and fail.
$(RUN):
	@for candidate in $(PYTHON) $(if $(PYTHON),,python3.13 "$$HOME"/.pyenv/versions/3.13*/bin/python python3.12 \
		python3.11 python3); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "$(if $(PYTHON),PYTHON=$(PYTHON) is no working Python 3.11 or newer.,No working Python 3.11 or newer was found. \
	Install one$(comma) or name it: make PYTHON=/path/to/python dev)" >&2; exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$found lacks the modules venv and ensurepip. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$found …"; \
	rm -rf $(VENV); "$$found" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
