#!/usr/bin/env bash
# Puts the plain operator that the benchmarks measure beside ours into a folder and prints that folder as the last line of
# stdout. Progress goes to stderr.
#
#   install.sh           build it where it is missing
#   install.sh --print   build nothing: print the folder when it is there, else say what to do and exit 1
#
# Searched in this order: PLAIN_OPERATOR_ASSETS; the cache, which lies outside the clone so that a second clone reuses it; a
# build of the sources beside this file (the versions come from go.mod), about two minutes on two cores.
set -euo pipefail

readonly TITLE="plain operator"
readonly PROGRAM=plain
readonly GO_MINIMUM=26 # controller-runtime's own go.mod asks for it
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=../../tests/go.sh
source "$here/../../tests/go.sh"

# Other sources are another program.
sources=$(cd "$here" && cat go.mod go.sum ./*.go api/*.go | sha256sum | cut -c1-12)

build() {
  local go
  go=$(find_go "set PLAIN_OPERATOR_ASSETS to a folder with $PROGRAM")
  say "building, once per machine and version of its sources"
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  (cd "$here" && "$go" build -trimpath -ldflags "-s -w" -o "$1/$PROGRAM" . >&2) ||
    fail "it was not built (modules come from GOPROXY=$("$go" env GOPROXY))"
  "$go" env GOVERSION >"$1/go-version" # the report names it
}

if [[ -n ${PLAIN_OPERATOR_ASSETS:-} ]]; then
  [[ -x $PLAIN_OPERATOR_ASSETS/$PROGRAM ]] || fail "PLAIN_OPERATOR_ASSETS=$PLAIN_OPERATOR_ASSETS lacks $PROGRAM"
  echo "$PLAIN_OPERATOR_ASSETS"
else
  once "$cache/$PROGRAM-operator/$sources" "$PROGRAM" "${1:-}" build
fi
