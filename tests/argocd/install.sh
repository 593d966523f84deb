#!/usr/bin/env bash
# Puts argo-cd-lua and the definition of Argo CD's Applications into a folder and prints that folder as the last line of
# stdout. Progress goes to stderr. The program is the part of Argo CD that runs the scripts of deploy/argocd, behind a command
# line (lua/main.go).
#
#   install.sh           build it where it is missing
#   install.sh --print   build nothing: print the folder when it is there, else say what to do and exit 1
#
# Searched in this order: ARGO_CD_LUA_ASSETS; the cache, which lies outside the clone so that a second clone reuses it; a
# build with the published Go module of Argo CD (the version comes from lua/go.mod).
set -euo pipefail

readonly TITLE="argo cd"
readonly PROGRAM=argo-cd-lua
readonly MODULE=github.com/argoproj/argo-cd/v3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck disable=SC2034 # go.sh reads it
GO_MINIMUM=26.3 # what Argo CD's own go.mod asks for
# shellcheck source=../go.sh
source "$here/../go.sh"

# A change of the program is another version.
version=$(cd "$here/lua" && cat go.mod go.sum main.go | sha256sum | cut -c1-12)

build() {
  local go folder
  go=$(find_go "set ARGO_CD_LUA_ASSETS to a folder with $PROGRAM")
  say "building $PROGRAM with $(awk -v module="$MODULE" '$1 == module {print $1, $2}' "$here/lua/go.mod"), once per machine"
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  (cd "$here/lua" && "$go" build -trimpath -ldflags "-s -w" -o "$1/$PROGRAM" . >&2) ||
    fail "$PROGRAM was not built (modules come from GOPROXY=$("$go" env GOPROXY))"
  folder=$(cd "$here/lua" && "$go" list -m -f '{{.Dir}}' "$MODULE")
  install -m 644 "$folder/manifests/crds/application-crd.yaml" "$1" || fail "$MODULE lacks the definition of Applications"
}

if [[ -n ${ARGO_CD_LUA_ASSETS:-} ]]; then
  [[ -x $ARGO_CD_LUA_ASSETS/$PROGRAM ]] || fail "ARGO_CD_LUA_ASSETS=$ARGO_CD_LUA_ASSETS lacks $PROGRAM"
  echo "$ARGO_CD_LUA_ASSETS"
else
  once "$cache/$PROGRAM/$version" application-crd.yaml "${1:-}" build
fi
