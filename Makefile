# Pilot Light. `make demo` shows it working, `make test` runs everything; both need only Rust, Python 3.11, Node 20 and make,
# and set up the rest themselves under .venv/ and tools/asl/node_modules/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Stages share two cores and one cargo lock, and their output should read in order.
.NOTPARALLEL:

# A second sandbox beside the first, described by out/other/sandbox.json: make sandbox SANDBOX=other
SANDBOX ?=
# Which system is in the sandbox: pilot-light, payments, warm-standby, single-region or backup-restore.
TOPOLOGY ?= pilot-light
PYTHON ?= $(shell command -v python3.11 || command -v python3)
export PYTHON

SANDBOX_VENV := .venv/sandbox
TOOLS_VENV := .venv/tools
SANDBOX_PYTHON := $(CURDIR)/$(SANDBOX_VENV)/bin/python
PILOT_SANDBOX := $(SANDBOX_PYTHON) -m pilot_sandbox
STAGE := tools/stage
# The sandbox's tests wait far more than they work. A file's tests share a sandbox, so they stay together.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile

export PATH := $(CURDIR)/$(TOOLS_VENV)/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/sandbox
# Nothing here ever talks to an AWS account: dummy credentials, no profile, no instance metadata, no telemetry.
export AWS_ACCESS_KEY_ID := sandbox
export AWS_SECRET_ACCESS_KEY := sandbox
export AWS_DEFAULT_REGION := ap-southeast-1
export AWS_REGION := ap-southeast-1
unexport AWS_PROFILE AWS_SESSION_TOKEN
export AWS_CONFIG_FILE := /dev/null
export AWS_SHARED_CREDENTIALS_FILE := /dev/null
export AWS_EC2_METADATA_DISABLED := true
export SAM_CLI_TELEMETRY := 0

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

# --- set-up ----------------------------------------------------------------------------------------------------------------

.PHONY: setup
setup: $(SANDBOX_VENV)/.installed $(TOOLS_VENV)/.installed tools/asl/node_modules/.installed ## Install the pinned tools (repeated only when a pin changes)

$(SANDBOX_VENV)/.installed: sandbox/requirements.txt
	@$(STAGE) "set up $(SANDBOX_VENV)" tools/install-venv $(SANDBOX_VENV) $<

$(TOOLS_VENV)/.installed: tools/requirements.txt
	@$(STAGE) "set up $(TOOLS_VENV)" tools/install-venv $(TOOLS_VENV) $<

tools/asl/node_modules/.installed: tools/asl/package-lock.json tools/asl/package.json
	@$(STAGE) "set up asl-validator" npm ci --prefix tools/asl --silent
	@touch $@

.PHONY: freeze
freeze: ## Resolve requirements.in files into requirements.txt anew
	tools/freeze sandbox/requirements.in
	tools/freeze tools/requirements.in

# --- build -----------------------------------------------------------------------------------------------------------------

.PHONY: build
build: $(TOOLS_VENV)/.installed ## Build every function for ARM64 in release: target/lambda/<function>/bootstrap
	@$(STAGE) "build functions for ARM64" tools/build-arm64

.PHONY: build-native
build-native: ## Build every binary for this machine: the sandbox runs these
	@$(STAGE) "build for this machine" cargo build --workspace --bins

# What `cargo test` built already: tests bring features into shared dependencies, and `--bins` alone would build all crates again.
.PHONY: build-tested
build-tested:
	@$(STAGE) "build for this machine" cargo build --workspace --all-targets

# --- the sandbox -----------------------------------------------------------------------------------------------------------

.PHONY: sandbox
sandbox: setup build-native ## Start the sandbox and stay up; out/sandbox.json says where everything is
	@$(PILOT_SANDBOX) up --topology $(TOPOLOGY) $(if $(SANDBOX),--name $(SANDBOX))

.PHONY: sandbox-stop
sandbox-stop: $(SANDBOX_VENV)/.installed ## End the sandbox (SANDBOX=name for another)
	@$(PILOT_SANDBOX) down --name $(or $(SANDBOX),$(TOPOLOGY))

.PHONY: demo
demo: setup build-native ## Kill the primary Region and watch the workload recover; TOPOLOGY=payments, warm-standby (which goes home too), single-region or backup-restore; leaves out/<topology>/report.html
	@$(PILOT_SANDBOX) demo --topology $(TOPOLOGY)

.PHONY: bench
bench: setup build-native ## Time failovers against the delays that the sandbox injects; leaves out/bench.json
	@$(PILOT_SANDBOX) bench

.PHONY: faults
faults: setup build-native ## Let every call of a failover fail in every way, in whole runs (about an hour); FAULTS="--random-kills 100", "--only fence", "--mode failback" or "--mode switchover"
	@$(PILOT_SANDBOX) faults $(FAULTS)

# --- checks ----------------------------------------------------------------------------------------------------------------

.PHONY: test
test: ## Everything: set-up, lint, unit tests, whole runs in the sandbox; ends with the minutes of each stage
	@$(STAGE) --start
	@status=0; $(MAKE) --no-print-directory test-stages || status=$$?; $(STAGE) --summary; exit $$status

.PHONY: test-stages
test-stages: setup lint test-rust test-sandbox test-runs

.PHONY: test-rust
test-rust: ## Rust tests of every crate
	@$(STAGE) "rust tests" cargo test --workspace

.PHONY: test-sandbox
test-sandbox: setup build-tested ## Tests of the sandbox itself
	@$(STAGE) "sandbox tests" $(SANDBOX_PYTHON) -m pytest $(SIDE_BY_SIDE) sandbox/tests

.PHONY: test-runs
test-runs: setup build-tested ## Whole runs in the sandbox, with the real binaries and the real state machine
	@$(STAGE) "whole runs" $(SANDBOX_PYTHON) -m pytest $(SIDE_BY_SIDE) tests

.PHONY: lint
lint: setup lint-rust lint-python lint-shell lint-template lint-state-machine lint-words ## Every linter and validator

.PHONY: lint-rust
lint-rust: $(TOOLS_VENV)/.installed
	@$(STAGE) "cargo fmt" cargo fmt --all --check
	@$(STAGE) "clippy" cargo clippy --workspace --all-targets --quiet -- -D warnings
	@$(STAGE) "cargo deny" cargo-deny --log-level warn check bans licenses sources

.PHONY: lint-python
lint-python: $(TOOLS_VENV)/.installed
	@$(STAGE) "ruff check" ruff check
	@$(STAGE) "ruff format" ruff format --check

.PHONY: lint-shell
lint-shell: $(TOOLS_VENV)/.installed
	@$(STAGE) "shellcheck" tools/lint-shell

.PHONY: lint-template
lint-template: $(TOOLS_VENV)/.installed
	@$(STAGE) "cfn-lint" cfn-lint --regions ap-southeast-1 --template template.yaml
	@$(STAGE) "sam validate" sam validate --lint --template-file template.yaml --region ap-southeast-1
	@$(STAGE) "sam build" sam build --template-file template.yaml --build-dir out/sam-build --region ap-southeast-1

.PHONY: lint-state-machine
lint-state-machine: tools/asl/node_modules/.installed
	@$(STAGE) "asl-validator" tools/asl/node_modules/.bin/asl-validator --json-path statemachine/failover.asl.json

.PHONY: lint-words
lint-words:
	@$(STAGE) "check-words" $(PYTHON) tools/check-words

.PHONY: format
format: $(TOOLS_VENV)/.installed ## Format Rust and Python in place
	cargo fmt --all
	ruff check --fix
	ruff format

# --- cleaning --------------------------------------------------------------------------------------------------------------

.PHONY: clean
clean: ## Remove everything built or generated; the installed tools stay
	rm -rf target out .aws-sam

.PHONY: distclean
distclean: clean ## Remove the installed tools too
	rm -rf .venv tools/asl/node_modules
