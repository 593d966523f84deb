#!/usr/bin/env bash
# Puts cosign, which signs and verifies the sums of a release, into a folder and prints that folder as
# the last line of stdout. Progress goes to stderr. `make test-release` needs it.
#
#   install.sh           build it where it is missing
#   install.sh --print   build nothing: print the folder when it is there, else say what to do and exit 1
#
# Searched in this order: COSIGN_ASSETS; the cache, which lies outside the clone so that a second clone reuses it; a build of the
# published Go module (the version comes from go.mod beside this file).
set -euo pipefail

readonly TITLE="cosign"
readonly MODULE=github.com/sigstore/cosign/v3
readonly PROGRAM=cosign
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=../go.sh
source "$here/../go.sh"

version=$(version_of "$MODULE")

build() {
  local go
  go=$(find_go "set COSIGN_ASSETS to a folder with $PROGRAM")
  say "building $PROGRAM $version, once per machine"
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  (cd "$here" && "$go" build -trimpath -ldflags "-s -w" -o "$1/$PROGRAM" "$MODULE/cmd/$PROGRAM" >&2) ||
    fail "it was not built (modules come from GOPROXY=$("$go" env GOPROXY))"
}

if [[ -n ${COSIGN_ASSETS:-} ]]; then
  [[ -x $COSIGN_ASSETS/$PROGRAM ]] || fail "COSIGN_ASSETS=$COSIGN_ASSETS lacks $PROGRAM"
  echo "$COSIGN_ASSETS"
else
  once "$cache/cosign/$version" "$PROGRAM" "${1:-}" build
fi
