GOLANGCI_LINT_VERSION := v2.15.0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
PREFIX  ?= /usr/local
FUZZTIME ?= 5s

# OpenPGP in Go, no headers of btrfs where cgo is on; and no stamp of the
# checkout, as version and commit say enough.
TAGS := containers_image_openpgp,exclude_graphdriver_btrfs
export GOFLAGS := $(strip $(GOFLAGS) -tags=$(TAGS) -buildvcs=false)

LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
LINT    := bin/tools/$(GOLANGCI_LINT_VERSION)/golangci-lint

.DEFAULT_GOAL := help
.PHONY: help setup build test test-ansible test-molecule unit demo demo-ansible lint-ansible cover fuzz lint fmt bench bench-short install clean check

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what tests and demo need and this machine lacks
	@scripts/setup

build: ## build the static binary bin/csync
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/csync ./cmd/csync

test: setup ## set up, then run every test
	go test -race ./...
	cd bench && go test ./...
	$(MAKE) test-ansible lint-ansible test-molecule

test-ansible: setup build ## test the Ansible module, under every Python that is there
	ansible/tests/run

test-molecule: setup build ## run the scenarios of the roles on nodes like CentOS 7 and 8
	@scripts/test-molecule

unit: ## run the quick tests
	go test -short ./...

demo: ## show the main job on registries of its own
	go run ./cmd/csync-demo

demo-ansible: setup build ## show a playbook of ci-config promoting with csync
	@scripts/test-molecule container_push_old_playbook

cover: ## measure the coverage of each function
	go test -short -coverpkg=./... -coverprofile=coverage.out ./...
	go tool cover -func=coverage.out

fuzz: ## run every fuzz target for FUZZTIME
	@scripts/fuzz $(FUZZTIME)

lint: $(LINT) ## check the code, its format and go.mod
	$(LINT) run
	go mod tidy -diff
	cd bench && $(abspath $(LINT)) run && go mod tidy -diff

lint-ansible: setup ## check roles, playbooks and scenarios
	@scripts/lint-ansible

fmt: $(LINT) ## format the code
	$(LINT) fmt

bench: setup build ## compare with other tools, and write docs/performance.md
	cd bench && go run . -write ../docs

bench-short: setup build ## compare in under 3 minutes, rows A, B, C and G
	cd bench && go run . -rows A,B,C,G -runs 1

install: build ## install csync below PREFIX
	install -D -m 0755 bin/csync $(DESTDIR)$(PREFIX)/bin/csync

clean: ## remove what was built
	rm -rf bin coverage.out

check: lint test ## what has to pass before a commit

$(LINT):
	GOBIN=$(abspath $(dir $@)) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
