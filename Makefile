# make run    sets up what it needs and runs a shipped notebook for real
# make test   sets up all that the tests need and runs them
# make faults does everything that must not lose a run, 500 kills among it, and prints what was lost
# make bench  measures assay beside its peers and writes bench/RESULTS.md
# make lint   gofumpt, vet, staticcheck; make fuzz: every fuzz target for a while; make vuln: govulncheck
SHELL   := bash
GO      ?= go
PYTHON  ?= python3
export GOTOOLCHAIN ?= auto
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)

.PHONY: all build run test testenv faults bench lint fuzz vuln cross clean

all: build

build: assay

# One file that needs no library of the system, and tells nothing of where it was built.
assay: FORCE
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-X main.version=$(VERSION)" -o assay ./cmd/assay
FORCE:

run: assay
	@./internal/testenv/install run
	@mkdir -p out
	VIRTUAL_ENV=$(CURDIR)/.testenv/run ./assay run builtin:system-health out/system-health.ipynb -p threshold 2.0 -p hostname "$$(hostname)"
	@./assay scraps out/system-health.ipynb
	@./assay receipt verify out/system-health.ipynb
	@echo "The executed notebook is out/system-health.ipynb, its proof out/system-health.ipynb.receipt.json"

testenv:
	@./internal/testenv/install

test: testenv cross
	@./internal/testenv/parts $(GO)

faults: testenv
	@./internal/testenv/faults $(GO)

# The binary builds for the systems that nobody here runs.
cross:
	GOOS=darwin $(GO) build -o /dev/null ./cmd/assay
	GOOS=windows $(GO) build -o /dev/null ./cmd/assay

bench: assay
	@./internal/testenv/install main old git postgres
	$(GO) run ./bench -assay $(CURDIR)/assay -env $(CURDIR)/.testenv/main -out bench/RESULTS.md

lint:
	@test -z "$$($(GO) tool -modfile=tools/lint/go.mod gofumpt -l . | tee /dev/stderr)"
	$(GO) vet ./...
	$(GO) tool -modfile=tools/lint/go.mod staticcheck ./...

vuln:
	$(GO) tool -modfile=tools/lint/go.mod govulncheck ./...

FUZZTIME ?= 30s
fuzz:
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep ^Fuzz); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; done; done

clean:
	rm -rf assay out .testenv
