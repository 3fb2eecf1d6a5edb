# The front door. `make drive` and `make test` work on a bare Debian or Ubuntu with Python 3.11+,
# make and a network; the environment is made in .venv beside this file, compiled kernels in ~/.cache.
# Give a command more words with ARGS, for example: make drive ARGS="--pace 2".

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup drive test soak check format bench docs pictures mutate peers reference lock clean

help:  ## What make can do
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup:  ## Make .venv with the volant command in it
	@sh scripts/setup.sh

drive: setup  ## Boot the car and drive it through traffic, live in the browser
	@$(BIN)/volant drive $(ARGS)

test:  ## Run the whole suite
	@sh scripts/setup.sh --test
	@$(BIN)/python -m pytest -n 2 --dist worksteal --durations=10 $(ARGS)

soak:  ## Run the whole drives by the dozen that `make test` leaves out (long)
	@sh scripts/setup.sh --test
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m soak $(ARGS)

check:  ## Format, lint, types, floors, screens and the quick tests: what CI asks
	@sh scripts/setup.sh --test
	@$(BIN)/python scripts/check.py $(ARGS)

format:  ## Format and mend what ruff can mend
	@sh scripts/setup.sh --test
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench:  ## Measure speed and size, with peers beside us
	@sh scripts/setup.sh --test
	@$(BIN)/python -m bench $(ARGS)

docs:  ## Build the documentation into site/
	@sh scripts/setup.sh --test
	@$(BIN)/zensical build --clean --strict

pictures:  ## Take the pictures of the documentation anew (minutes)
	@sh scripts/setup.sh --test
	@$(BIN)/python scripts/pictures.py

mutate:  ## Mutation-test guard, emergency braking and trust (long)
	@sh scripts/setup.sh --test
	@$(BIN)/mutmut run $(ARGS)
	@$(BIN)/mutmut results

peers:  ## Install the reference models and readers that judge us
	@sh scripts/setup.sh --test

reference:  ## Write the pages and pins that are read off the code
	@sh scripts/setup.sh --test
	@$(BIN)/python scripts/reference.py

lock:  ## Compile requirements/*.txt anew from pyproject.toml
	@sh scripts/setup.sh --test
	@$(BIN)/python scripts/lock.py

clean:  ## Remove all that make has made
	rm -rf $(VENV) build dist site mutants src/volant/static web/node_modules web/dist
