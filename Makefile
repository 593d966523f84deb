# `make` lists what can be made.

.DEFAULT_GOAL := help
.PHONY: help demo demo-docs fleet-page-docs test test-browser test-monitoring test-chart test-gitops test-argocd test-kubernetes test-node chaos fuzz control-plane browser bench crds render clean cargo test-release

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: cargo control-plane ## Watch a model being swapped before it expires; KEEP=1 leaves all running
	@cargo build --workspace --bins --example demo
	@cargo run --quiet --example demo

demo-docs: ## Run the demo and write docs/demo.md, docs/demo.svg and docs/fleet.svg
	@DEMO_TRANSCRIPT=docs/demo.md DEMO_SVG=docs/demo.svg DEMO_FLEET_SVG=docs/fleet.svg $(MAKE) --no-print-directory demo

fleet-page-docs: cargo browser ## Take the pictures of docs/fleet-page.md
	@FLEET_PAGE_PICTURES=docs cargo test --test browser pictures

test: cargo ## Run all checks and tests
	@.ci/test.sh

test-browser: cargo browser ## Look at the fleet page in a real browser
	@cargo test --test browser

test-monitoring: cargo control-plane ## Make every alert fire in a Prometheus that scrapes the operator
	@tests/prometheus/install.sh
	@tests/kube-state-metrics/install.sh
	@tests/prometheus-operator/install.sh
	@cargo build --workspace --bins --examples
	@cargo test --test monitoring

test-chart: cargo control-plane ## Judge the chart, and install it into a real API server
	@tests/chart/install.sh
	@tests/prometheus-operator/install.sh
	@cargo build --workspace --bins --examples
	@cargo test --test chart

test-gitops: cargo control-plane ## Let Flux apply docs/gitops.md from Git, and Argo CD's own Lua run deploy/argocd
	@tests/argocd/install.sh
	@tests/flux/install.sh
	@cargo build --workspace --bins --examples
	@cargo test --test gitops

test-argocd: cargo control-plane ## Let the whole of Argo CD apply docs/gitops.md from Git; its build is no part of `make test`
	@tests/argocd/install.sh
	@tests/argocd-whole/install.sh
	@cargo build --workspace --bins --examples
	@cargo test --test gitops -- --ignored argo_cd_whole::

test-release: cargo control-plane ## Make a release, judge its files, sign and verify it
	@tests/chart/install.sh
	@tests/release/install.sh
	@tests/cosign/install.sh
	@cargo build --workspace --bins --examples
	@cargo test --test release
	@tests/cosign/verify.sh $${CARGO_TARGET_DIR:-target}/debug/xtask

# The versions come from tests/control-plane/oldest.mod and newest.mod; `make test` uses the one of go.mod there.
test-kubernetes: cargo ## Run the tests of definitions, chart and end to end with the oldest and the newest Kubernetes
	@tests/chart/install.sh
	@tests/prometheus-operator/install.sh
	@tests/notification-controller/install.sh
	@cargo build --workspace --bins --examples
	@for version in oldest newest; do \
	  KUBERNETES=$$version tests/control-plane/install.sh && \
	  KUBERNETES=$$version cargo test --no-fail-fast --test crds --test chart --test e2e || exit 1; \
	done

test-node: cargo control-plane ## Install the chart on a real node, by the commands of the documents; needs root
	@tests/chart/install.sh
	@tests/node/install.sh
	@cargo build --workspace --bins --examples
	@cargo xtask image --program speech-operator --out target/images/speech-operator
	@cargo xtask image --program speech-emulator --out target/images/speech-emulator
	@cargo test --test node

chaos: cargo control-plane ## Break everything on purpose, at length, and write the table of docs/reliability.md
	@$(if $(CHAOS),:,FUZZ_CASES=$${FUZZ_CASES-100000} $(MAKE) --no-print-directory fuzz)
	@cargo build --workspace --bins --examples
	@$(if $(CHAOS),:,cargo test --profile fuzz --workspace --lib -- --ignored --nocapture all_worlds_are_searched_deeply)
	@CHAOS_REPORT=$${CHAOS_REPORT-docs/reliability.md} cargo test --test chaos -- --full $(CHAOS)

fuzz: cargo ## Feed every border with a million cases of bad input (FUZZ_CASES, FUZZ_SEED)
	@FUZZ_CASES=$${FUZZ_CASES-1000000} cargo test --profile fuzz --workspace --lib -- fuzz:: malformed:: --nocapture --test-threads 1

control-plane: ## Install etcd, kube-apiserver, kube-controller-manager and kubectl into the cache
	@tests/control-plane/install.sh

browser: ## Fetch a headless Chromium into the cache, where there is none
	@tests/browser/install.sh

bench: cargo control-plane ## Run the benchmarks beside a plain operator and write the table of docs/benchmarks.md
	@benches/plain/install.sh
# As `cargo bench` builds them, so that nothing is built twice.
	@cargo build --package speech-operator --package speech-emulator --bin speech-operator --bin speech-emulator --bench loop --profile bench
	@BENCH_REPORT=$(if $(BENCH_QUICK),,$${BENCH_REPORT-docs/benchmarks.md}) cargo bench

crds: cargo ## Write the CustomResourceDefinitions and the other generated files
	@cargo xtask generate

render: cargo ## Render the chart into deploy/base, and the table of its values
	@tests/chart/install.sh
	@cargo xtask render

clean: ## Remove what Cargo has built; the cache of the control plane stays
	@cargo clean

cargo:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust with rustup, see https://rustup.rs; rust-toolchain.toml names the version" >&2; exit 1; }
