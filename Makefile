# Gatewright's commands. `make help` lists them.
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The suites on the real cluster are not part of `go test ./...` in the inner
# loop. Each has a cluster of its own, and a machine has room for one.
# What the conformance suite is made of is tested in the inner loop.
CLUSTER_SUITES := ./test/admission ./test/e2e/... ./test/images ./test/arm64
UNIT_PACKAGES   = $$(go list ./... | grep -vE '/test/(admission|arm64|e2e|images|conformance$$)')
LINT          := go tool -modfile=test/tools/golangci-lint/go.mod golangci-lint

##@ Try it
.PHONY: demo demo-down
demo: ## Bring up a one-node cluster, install the chart, serve the homelab sample
	go run ./test/e2e/cmd/demo up

demo-down: ## Stop the demo and remove what it left
	go run ./test/e2e/cmd/demo down

##@ Prove it
.PHONY: test check unit e2e conformance fuzz
test: check e2e ## Everything that proves the project (CI runs this)
	go test -run LiveThroughMinutes ./test/corpus
	$(MAKE) conformance CHANNEL=standard
	$(MAKE) conformance CHANNEL=experimental

check: ## The inner loop: format, generated files, vet, lint, unit tests and corpus
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	  if [ -n "$$unformatted" ]; then echo "run gofmt -w on:" $$unformatted; exit 1; fi
	@config/generate.sh --check
	go vet ./...
	$(LINT) run --allow-parallel-runners ./...
	go test -short $(UNIT_PACKAGES)

unit: ## Unit tests and corpus alone
	go test $(UNIT_PACKAGES)

e2e: ## The suites on a real one-node cluster
	go test -v -count=1 -p 1 -timeout 60m $(CLUSTER_SUITES)

CHANNEL  ?= standard
# The suite's parallel tests mostly wait, for pods and for statuses.
PARALLEL ?= 8
conformance: ## The Gateway API's own suite; narrow with PROFILE=GATEWAY-TLS, RUN=HTTPRouteSimpleSameNamespace; CHANNEL=experimental
	go test -v -count=1 -timeout 120m -parallel $(PARALLEL) -run 'TestConformance$(if $(RUN),/^($(RUN))$$)' ./test/conformance \
	  -args -channel=$(CHANNEL) $(if $(PROFILE),-conformance-profiles=$(PROFILE))

fuzz: ## Fuzz what stands between users' text and nginx, and what authorization servers say: two minutes
	go test -run '^$$' -fuzz FuzzRender -fuzztime 60s ./compiler/nginx
	go test -run '^$$' -fuzz FuzzQuestions -fuzztime 30s ./agent/hop
	go test -run '^$$' -fuzz FuzzAnswers -fuzztime 30s ./agent/hop

##@ Measure it
.PHONY: bench bench-control
ROUNDS   ?= 7
DURATION ?= 1s
bench: ## The data path beside other proxies, without a cluster: docs/benchmarks/data-path.md; narrow with RUN='small|tls', ROUNDS=7, DURATION=1s
	go run ./test/bench/data -rounds $(ROUNDS) -duration $(DURATION) $(if $(RUN),-run '$(RUN)') $(BENCH)

bench-control: ## The control path on a one-node cluster: docs/benchmarks/control-path.md; narrow with BENCH="-only churn -sizes 1000"
	go run ./test/bench/control $(BENCH)

.PHONY: bench-reloads
bench-reloads: ## A thousand reloads of nginx with websockets open: docs/benchmarks/reloads.md
	go test -v -run '^$$' -bench ReloadsWithOpenWebsockets -benchtime 1000x -timeout 30m ./agent | grep -Ev '^[0-9/]+ [0-9:]+ \[notice\]'

##@ Build it
.PHONY: build images generate fmt golden
build: ## The static binary, for this machine, in dist/
	CGO_ENABLED=0 go build -trimpath -o dist/gatewright ./cmd/gatewright

images: ## Both images from the Dockerfile, as OCI archives; ARCH=arm64 for a Raspberry Pi
	go run ./test/cluster/cmd/cluster build-images $(ARCH)

generate: ## CRDs, deep copies, RBAC and webhook configuration, and the chart's copies
	config/generate.sh

fmt: ## Format all Go files
	gofmt -w $$(git ls-files '*.go')

golden: ## Rewrite the expected sections of test/cases from what the compiler says now
	go test ./test/corpus -update

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
