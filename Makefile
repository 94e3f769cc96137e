# `make` alone prints every target.
.DEFAULT_GOAL := help

TOOL  := go tool -modfile=tools.mod
# Runs go test and prints the number of tests of each package; see .ci/testcount.
COUNT := .ci/with-postgres go run ./.ci/testcount -timeout 15m
FUZZTIME  ?= 20s
BENCHTIME ?= 1s

.PHONY: help
help:
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## start the sandbox: the whole product on this machine, in a browser page
	go run . sandbox

.PHONY: test
test: ## run every suite and print its number of tests
	$(COUNT) ./... ./.ci/testcount

.PHONY: race
race: ## run the rules and the engine under the race detector
	$(COUNT) -race ./expansion/... ./engine/...

.PHONY: pg
pg: ## run the suites that use a database, on a throwaway PostgreSQL too
	$(COUNT) -count=1 ./store/... ./engine/... ./jobs/... ./app/... ./sandbox/sandboxtest/...

.PHONY: e2e
e2e: ## run the stories: the product in the sandbox, the page in a real browser, the command line
	$(COUNT) -count=1 ./sandbox/... ./bot/... ./cli/... ./app/...

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (20s)
	@set -e; for f in $$(grep -rl --include='*_test.go' '^func Fuzz' . | sort); do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$f); do \
			echo "$$(dirname $$f) $$name"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$f); \
		done; \
	done

.PHONY: golden
golden: ## rewrite the golden files; read the diff before you commit it
	@set -e; for d in $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n 1 dirname | sort -u); do \
		go test -count=1 ./$$d -update; \
	done
	git diff --stat -- '*.golden*' '*.txtar'

.PHONY: lint
lint: ## go vet, gofumpt, staticcheck and nilness; the first run builds them (about 2 minutes)
	@unformatted="$$($(TOOL) gofumpt -l .)"; if [ -n "$$unformatted" ]; then \
		echo "Not formatted; run make fmt:"; echo "$$unformatted"; exit 1; fi
	go vet ./... ./.ci/testcount
	$(TOOL) staticcheck ./... ./.ci/testcount
	$(TOOL) nilness ./...

.PHONY: fmt
fmt: ## format every Go file
	$(TOOL) gofumpt -w .

.PHONY: generate
generate: ## run go generate, then format
	go generate ./...
	$(TOOL) gofumpt -w .

.PHONY: tidy
tidy: ## refuse a go.mod that lists more or less than the code imports
	go mod tidy -diff

.PHONY: ci
ci: tidy lint race test ## all that CI runs; .ci/run installs what it needs first

# The long ones. Their tests look at EXPANSION_LONG and skip without it.
.PHONY: kill
kill: ## kill and restart the product in the middle of things, again and again
	EXPANSION_LONG=1 $(COUNT) -v -count=1 -timeout 60m -run '^TestKill' ./sandbox/sandboxtest

.PHONY: soak
soak: ## weeks of sandbox time under load: nothing missed, nothing doubled, nothing grows
	EXPANSION_LONG=1 $(COUNT) -v -count=1 -timeout 30m -run '^TestSoak' ./sandbox/sandboxtest

.PHONY: presses
presses: ## press every button, twice, late and by the wrong people, 1,000 times on each store
	EXPANSION_LONG=1 $(COUNT) -v -count=1 -timeout 30m -run '^TestFuzzedPresses' ./sandbox/sandboxtest

.PHONY: bench
bench: ## run the benchmarks (BENCHTIME 1s each)
	.ci/with-postgres go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 60m ./...

.PHONY: bench-full
bench-full: ## the benchmarks at full size (a million accounts)
	EXPANSION_LONG=1 .ci/with-postgres go test -run '^$$' -bench . -benchmem -benchtime 1x -timeout 180m ./...
