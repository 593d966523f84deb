#!/usr/bin/env bash
# Runs every check in order, tells what each took, and fails when one failed. All run even when one fails, so that one
# run tells everything.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The steps: a name and a command, or the function below.
steps() {
  step "format" cargo fmt --check
  step "lints" cargo clippy --workspace --all-targets -- -D warnings
  step "planner alone" cargo check --package speech-plan
  step "operator as it ships" cargo check --package speech-operator --bins
  step "dependencies" dependencies
  step "control plane" tests/control-plane/install.sh
  step "browser" tests/browser/install.sh
  step "prometheus" tests/prometheus/install.sh
  step "kube-state-metrics" tests/kube-state-metrics/install.sh
  step "prometheus operator" tests/prometheus-operator/install.sh
  step "notification controller" tests/notification-controller/install.sh
  step "chart tools" tests/chart/install.sh
  step "krew" tests/release/install.sh
  step "argo cd" tests/argocd/install.sh
  step "flux" tests/flux/install.sh
  step "node tools" tests/node/install.sh
  step "programs" cargo build --workspace --bins --examples # with the features that the tests need, so that nothing is built twice
  step "images" images
  step "tests" cargo test --workspace --no-fail-fast
}

# The programs as they ship, for the tests on a node.
images() {
  cargo xtask image --program speech-operator --out target/images/speech-operator
  cargo xtask image --program speech-emulator --out target/images/speech-emulator
}

dependencies() {
  local deny
  deny=$(.ci/install-cargo-deny.sh)
  "$deny" --log-level error check bans licenses sources
  .ci/advisories.sh "$deny"
}

summary=()
failures=0
job=""
told=""
said=$(mktemp)
trap 'rm -f "$said"' EXIT

# Each step is a process group of its own, so that Ctrl-C and SIGTERM end all of it.
set -m
trap 'stop 130' INT
trap 'stop 143' TERM HUP
stop() {
  trap '' INT TERM HUP
  if [[ -n $job ]]; then
    kill -TERM -- "-$job" 2>/dev/null || true
    wait "$job" 2>/dev/null || true
  fi
  echo "interrupted"
  exit "$1"
}

step() {
  local name=$1 began=$SECONDS status=0 outcome=ok
  shift
  printf '\n== %s: %s\n' "$name" "$*"
  { "$@" </dev/null 2>&1 | tee "$said"; } &
  job=$!
  wait "$job" || status=$?
  job=""
  if ((status != 0)); then
    outcome="FAILED ($status)"
    failures=$((failures + 1))
    told+=$(printf '\n-- %s\n' "$name"; complaints)
  fi
  summary+=("$(printf '%-24s %5d s  %s' "$name" $((SECONDS - began)) "$outcome")")
}

# What a failed step complained of: the last lines that say so. Who reads only the end of a long log finds the cause there.
complaints() {
  grep -E "^error|panicked at|^thread '|\.\.\. FAILED|VIOLATION|violated|[1-9][0-9]* violations" "$said" | cut -c1-400 | tail -n 15 || true
}

steps
printf '\n== summary\n'
printf '%s\n' "${summary[@]}"
if ((failures > 0)); then
  printf '%s\n\n' "$told"
  echo "$failures step(s) failed"
  exit 1
fi
echo "all steps passed"
