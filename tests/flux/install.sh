#!/usr/bin/env bash
# Puts the source-controller, kustomize-controller and helm-controller of Flux into a folder, with the definitions of their
# kinds, and prints that folder as the last line of stdout. Progress goes to stderr.
#
#   install.sh           build them where they are missing
#   install.sh --print   build nothing: print the folder when they are there, else say what to do and exit 1
#
# Searched in this order: FLUX_ASSETS; the cache, which lies outside the clone so that a second clone reuses it; a build of
# the published Go modules (the versions come from go.mod beside this file).
set -euo pipefail

readonly TITLE="flux"
readonly PROGRAMS=(source-controller kustomize-controller helm-controller)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck disable=SC2034 # go.sh reads it
GO_MINIMUM=26 # what the go.mod of the controllers asks for
# shellcheck source=../go.sh
source "$here/../go.sh"

# One folder for each set of versions.
versions=$(cd "$here" && cat go.mod go.sum | sha256sum | cut -c1-12)

build() {
  local go program module version folder
  go=$(find_go "set FLUX_ASSETS to a folder with ${PROGRAMS[*]}")
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  for program in "${PROGRAMS[@]}"; do
    module=github.com/fluxcd/$program
    version=$(awk -v module="$module" '$1 == module {print $2}' "$here/go.mod")
    say "building $program $version, once per machine"
    (cd "$here" && "$go" build -trimpath -ldflags "-s -w" -o "$1/$program" "$module" >&2) ||
      fail "$program was not built (modules come from GOPROXY=$("$go" env GOPROXY))"
    folder=$(cd "$here" && "$go" list -m -f '{{.Dir}}' "$module")
    install -m 644 -D -t "$1/definitions" "$folder"/config/crd/bases/*.yaml || fail "$module lacks its definitions"
  done
  touch "$1/complete" # written last
}

if [[ -n ${FLUX_ASSETS:-} ]]; then
  for program in "${PROGRAMS[@]}"; do
    [[ -x $FLUX_ASSETS/$program ]] || fail "FLUX_ASSETS=$FLUX_ASSETS lacks $program"
  done
  echo "$FLUX_ASSETS"
else
  once "$cache/flux/$versions" complete "${1:-}" build
fi
