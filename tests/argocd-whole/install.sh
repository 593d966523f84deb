#!/usr/bin/env bash
# Puts the whole of Argo CD into a folder and prints that folder as the last line of stdout: argocd, which is all of its
# components, the script that it calls, a Redis in memory, and the definitions of its kinds. Progress goes to stderr.
# `make test-argocd` needs it.
#
#   install.sh           build it where it is missing
#   install.sh --print   build nothing: print the folder when it is there, else say what to do and exit 1
#
# Searched in this order: ARGO_CD_ASSETS; the cache, which lies outside the clone so that a second clone reuses it; a build of
# the published Go module (the version comes from go.mod beside this file).
set -euo pipefail

readonly TITLE="argo cd, whole"
readonly MODULE=github.com/argoproj/argo-cd/v3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck disable=SC2034 # go.sh reads it
GO_MINIMUM=26.3 # what Argo CD's own go.mod asks for
# shellcheck source=../go.sh
source "$here/../go.sh"

# A change of what is built or taken is another version.
version=$(cd "$here" && cat go.mod go.sum redis/main.go install.sh | sha256sum | cut -c1-12)

build() {
  local go folder
  go=$(find_go "set ARGO_CD_ASSETS to a folder with argocd, redis and definitions")
  say "building $(awk -v module="$MODULE" '$1 == module {print $1, $2}' "$here/go.mod"), once per machine"
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  (cd "$here" && "$go" build -trimpath -ldflags "-s -w" -o "$1/argocd" "$MODULE/cmd" >&2 &&
    "$go" build -trimpath -ldflags "-s -w" -o "$1/redis" ./redis >&2) ||
    fail "it was not built (modules come from GOPROXY=$("$go" env GOPROXY))"
  folder=$(cd "$here" && "$go" list -m -f '{{.Dir}}' "$MODULE")
  install -m 644 -D -t "$1/definitions" "$folder"/manifests/crds/*-crd.yaml || fail "$MODULE lacks its definitions"
  install -m 755 "$folder/hack/git-verify-wrapper.sh" "$1" || fail "$MODULE lacks git-verify-wrapper.sh"
  touch "$1/complete" # written last
}

if [[ -n ${ARGO_CD_ASSETS:-} ]]; then
  for program in argocd redis; do
    [[ -x $ARGO_CD_ASSETS/$program ]] || fail "ARGO_CD_ASSETS=$ARGO_CD_ASSETS lacks $program"
  done
  echo "$ARGO_CD_ASSETS"
else
  once "$cache/argo-cd/$version" complete "${1:-}" build
fi
