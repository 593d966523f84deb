#!/usr/bin/env bash
# Puts kube-state-metrics of one pinned version into a folder and prints that folder as the last line of stdout. Progress
# goes to stderr.
#
#   install.sh           build it where it is missing
#   install.sh --print   build nothing: print the folder when it is there, else say what to do and exit 1
#
# Searched in this order: KUBE_STATE_METRICS_ASSETS; the cache, which lies outside the clone so that a second clone reuses
# it; a build of the published Go module (the version comes from go.mod beside this file), about two minutes on two cores.
set -euo pipefail

readonly PROGRAM=kube-state-metrics
readonly TITLE=$PROGRAM
readonly MODULE=k8s.io/kube-state-metrics/v2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=../go.sh
source "$here/../go.sh"
version=$(version_of "$MODULE")

build() {
  local go
  go=$(find_go "set KUBE_STATE_METRICS_ASSETS to a folder with $PROGRAM")
  say "building $version, once per machine"
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  (cd "$here" && "$go" build -trimpath -ldflags "-s -w -X github.com/prometheus/common/version.Version=$version" \
    -o "$1/$PROGRAM" "$MODULE" >&2) || fail "it was not built (modules come from GOPROXY=$("$go" env GOPROXY))"
}

if [[ -n ${KUBE_STATE_METRICS_ASSETS:-} ]]; then
  [[ -x $KUBE_STATE_METRICS_ASSETS/$PROGRAM ]] || fail "KUBE_STATE_METRICS_ASSETS=$KUBE_STATE_METRICS_ASSETS lacks $PROGRAM"
  echo "$KUBE_STATE_METRICS_ASSETS"
else
  once "$cache/$PROGRAM/$version" "$PROGRAM" "${1:-}" build
fi
