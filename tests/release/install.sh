#!/usr/bin/env bash
# Puts validate-krew-manifest, by which the index of krew judges a plugin's manifest, into a folder and prints that folder as
# the last line of stdout. Progress goes to stderr.
#
#   install.sh           build it where it is missing
#   install.sh --print   build nothing: print the folder when it is there, else say what to do and exit 1
#
# Searched in this order: KREW_ASSETS; the cache, which lies outside the clone so that a second clone reuses it; a build of the
# published Go module (the version comes from go.mod beside this file).
set -euo pipefail

readonly TITLE="krew"
readonly MODULE=sigs.k8s.io/krew
readonly PROGRAM=validate-krew-manifest
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=../go.sh
source "$here/../go.sh"

version=$(version_of "$MODULE")

build() {
  local go
  go=$(find_go "set KREW_ASSETS to a folder with $PROGRAM")
  say "building $PROGRAM $version, once per machine"
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  (cd "$here" && "$go" build -trimpath -ldflags "-s -w" -o "$1/$PROGRAM" "$MODULE/cmd/$PROGRAM" >&2) ||
    fail "it was not built (modules come from GOPROXY=$("$go" env GOPROXY))"
}

if [[ -n ${KREW_ASSETS:-} ]]; then
  [[ -x $KREW_ASSETS/$PROGRAM ]] || fail "KREW_ASSETS=$KREW_ASSETS lacks $PROGRAM"
  echo "$KREW_ASSETS"
else
  once "$cache/krew/$version" "$PROGRAM" "${1:-}" build
fi
