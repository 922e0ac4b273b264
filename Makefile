# "make" or "make help" lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

export GOTOOLCHAIN ?= local
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
TOOLS := bin/tools/.built
LINT := bin/tools/golangci-lint

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/massrouter
	go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/massrouter ./cmd/massrouter

.PHONY: run
run: ## set up, build and start everything on this machine (ARGS="--listen ..." go to massrouter dev)
	@exec scripts/run.sh $(ARGS)

.PHONY: test
test: ## set up and run every test
	@exec scripts/test.sh

.PHONY: test-short
test-short: ## the quick tests only: no race detector, no client modules, no fuzzing
	@SHORT=1 exec scripts/test.sh

.PHONY: lint
lint: $(TOOLS) ## check the code with golangci-lint
	$(LINT) run ./...

.PHONY: format
format: $(TOOLS) ## format the code
	$(LINT) fmt ./...

.PHONY: generate
generate: $(TOOLS) ## write the generated files again
	PATH="$(CURDIR)/bin/tools:$$PATH" go generate ./...

.PHONY: verify
verify: $(TOOLS) ## lint, generated files, module files and the project's own rules
	@exec scripts/verify.sh

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (default 1m)
	@FUZZTIME="$${FUZZTIME:-1m}" exec scripts/fuzz.sh

.PHONY: bench
bench: build ## measure the ledger and the gateway (BENCHARGS="--seconds 30" go to both)
	bin/massrouter bench ledger $(BENCHARGS)
	bin/massrouter bench gateway $(BENCHARGS)

.PHONY: migrate
migrate: build ## apply the migrations to the database that DATABASE_URL names
	bin/massrouter migrate up

.PHONY: clean
clean: ## remove what was built; the data of make run stays
	rm -rf bin

# The tools have a module of their own, so that their dependencies are not the product's.
$(TOOLS): tools/go.mod tools/go.sum
	@echo "building the tools once; this takes some minutes" >&2
	cd tools && go build -trimpath -o ../bin/tools/ tool
	@touch $@
