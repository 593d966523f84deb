#!/usr/bin/env bash
# Puts helm, helm-unittest, helm-docs and kube-score of pinned versions into a folder and prints that folder as the last line
# of stdout. Progress goes to stderr.
#
#   install.sh           build them where they are missing
#   install.sh --print   build nothing: print the folder when they are there, else say what to do and exit 1
#
# Searched in this order: CHART_TOOLS_ASSETS; the cache, which lies outside the clone so that a second clone reuses it; a
# build of the published Go modules (the versions come from the go.mod in the folder of each), mostly helm's.
set -euo pipefail

readonly TITLE="chart tools"
readonly PROGRAMS=(helm helm-unittest helm-docs kube-score)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck disable=SC2034 # go.sh reads it
GO_MINIMUM=26 # what helm's own go.mod asks for
# shellcheck source=../go.sh
source "$here/../go.sh"

# One folder for each set of versions.
versions=$(cd "$here" && cat "${PROGRAMS[@]/%//go.mod}" "${PROGRAMS[@]/%//go.sum}" | sha256sum | cut -c1-12)

build() {
  local go program package module version
  go=$(find_go "set CHART_TOOLS_ASSETS to a folder with ${PROGRAMS[*]}")
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  for program in "${PROGRAMS[@]}"; do
    package=$(sed -n 's/^import _ "\(.*\)"$/\1/p' "$here/$program/tools.go")
    read -r module version < <(awk '$1 == "require" {print $2, $3}' "$here/$program/go.mod")
    say "building $program $version, once per machine"
    (cd "$here/$program" && "$go" build -trimpath -o "$1/$program" \
      -ldflags "-s -w -X $module/internal/version.version=$version -X main.version=$version" "$package" >&2) ||
      fail "$program was not built (modules come from GOPROXY=$("$go" env GOPROXY))"
  done
  touch "$1/complete" # written last
}

if [[ -n ${CHART_TOOLS_ASSETS:-} ]]; then
  for program in "${PROGRAMS[@]}"; do
    [[ -x $CHART_TOOLS_ASSETS/$program ]] || fail "CHART_TOOLS_ASSETS=$CHART_TOOLS_ASSETS lacks $program"
  done
  echo "$CHART_TOOLS_ASSETS"
else
  once "$cache/chart-tools/$versions" complete "${1:-}" build
fi
