VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GALLERY     := cd examples/gallery &&
ORACLE      := cd test/oracle &&
TIME        ?= 30m
# The names of the images that scripts/images.sh has found or made.
WITH_IMAGES := set -a && . ./.env && set +a &&

# Where Debian keeps nginx, which people's own PATH may lack.
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: build check test test-engine soak lint fmt-check vuln bench demo demo-down image

build: ## bin/verdigris
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/verdigris ./cmd/verdigris

check: fmt-check lint ## what needs no Docker: formatting, vet, the linter and the tests without containers
	scripts/tools.sh test
	go test -short ./...
	$(GALLERY) go test -short ./...

test: ## every test, on real Docker, nginx, redis and git
	scripts/tools.sh test
	scripts/images.sh --tests
	scripts/test.sh

soak: ## random faults and fuzzing for TIME (30m): make soak TIME=2h VERDIGRIS_SEED=7
	scripts/tools.sh test
	scripts/images.sh --tests
	scripts/soak.sh $(TIME)

test-engine: ## the tests that an Engine can change, on the newest one that Debian packages
	scripts/tools.sh test
	scripts/images.sh --tests
	scripts/engine.sh

lint: ## vet and staticcheck
	go vet ./...
	$(STATICCHECK) ./...
	$(GALLERY) go vet ./... && $(STATICCHECK) ./...
	$(ORACLE) go vet ./... && $(STATICCHECK) ./...

fmt-check: ## fails where gofmt would change a file
	@files=$$(git ls-files '*.go') && test -n "$$files" || { echo "no Go files are found: is this a git checkout?"; exit 1; }; \
	changed=$$(gofmt -l $$files) && test -z "$$changed" || { echo "gofmt would change: $$changed"; exit 1; }

vuln: ## known vulnerabilities in what is used
	scripts/vuln.sh

bench: ## measurements, as ratios of one run
	scripts/tools.sh test
	scripts/images.sh --tests
	$(WITH_IMAGES) go test -run '^$$' -bench . -benchmem -timeout 60m ./...
	$(WITH_IMAGES) $(ORACLE) go test -run '^$$' -bench . -timeout 60m ./...

demo: ## everything up, a first release, and a push going live
	scripts/demo.sh

demo-down: ## removes what the demo made
	scripts/demo-down.sh

image: ## the verdigris image of the Dockerfile
	scripts/images.sh
	scripts/image.sh
