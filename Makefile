# Neargate: `make demo` and `make test` set up all they need on a Debian or Ubuntu
# machine that has Go. Both need root for namespaces, nftables and containers:
# as another user they go through sudo.

GO       ?= go
SUDO     := $(if $(filter 0,$(shell id -u)),,sudo -E env "PATH=$$PATH")
BIN      := bin
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
# One static binary: it is also the shim, the logger and the init of containers.
export CGO_ENABLED ?= 0

.PHONY: build demo demo-image test conformance bench gen lint setup clean

# The demo application rides in the binary, so that `neargate demo` needs no checkout.
DEMO_APP := internal/demo/assets/app.gz

build: ## bin/neargate
	@mkdir -p $(BIN)
	$(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/demo-app ./examples/web-service/app
	@gzip -9 -n -c $(BIN)/demo-app > $(DEMO_APP)
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/neargate ./cmd/neargate

setup: ## Debian packages the platform needs; does nothing where they are present
	@scripts/setup run

demo: setup build ## the whole picture on this machine, Ctrl-C takes it down
	@$(SUDO) $(BIN)/neargate demo $(DEMO_FLAGS)

demo-image: build ## bin/demo-image.tar, the demo application as an image
	$(BIN)/neargate image build --name demo/web:latest --output $(BIN)/demo-image.tar examples/web-service/app

test: ## every test, with real containers and real packets
	@scripts/setup test
	@scripts/test

bin/h2spec:
	@mkdir -p $(BIN)
	GOBIN=$(abspath $(BIN)) $(GO) install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible

conformance: bin/h2spec ## h2spec against the HTTP/2 engine, and against a load balancer with and without TLS
	PATH=$(abspath $(BIN)):$$PATH $(GO) test -count=1 -v -run Conformance ./internal/edge/http2 ./internal/edge/proxy

bench: build ## docs/benchmarks.md: this machine, us and the peers in one run
	@scripts/setup bench
	@$(SUDO) $(GO) run ./bench -out docs/benchmarks.md

gen: ## internal/api and docs/coverage.md from models/
	$(GO) generate ./internal/api ./tools/coverage

lint: ## few linters, each with a reason (scripts/lint)
	@scripts/lint

clean:
	rm -rf $(BIN)
