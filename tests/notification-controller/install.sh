#!/usr/bin/env bash
# Puts the CustomResourceDefinitions of Flux' notification-controller into a folder and prints that folder as the last line of
# stdout. Progress goes to stderr. The controller itself is not built.
#
#   install.sh           fetch them where they are missing: half a megabyte
#   install.sh --print   fetch nothing: print the folder when they are there, else say what to do and exit 1
#
# Searched in this order: the cache; the published Go module, of which they are a part (the version comes from go.mod beside
# this file).
set -euo pipefail

readonly MODULE=github.com/fluxcd/notification-controller
readonly GROUP=notification.toolkit.fluxcd.io
readonly DEFINITIONS=("$GROUP"_{receivers,providers,alerts}.yaml)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/speech-operator

say() { printf 'notification-controller: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# shellcheck source=../go.sh
source "$here/../go.sh"
version=$(version_of "$MODULE")

fetch() {
  local go module definition
  go=$(find_go "put the definitions of $version into $cache/notification-controller/$version")
  say "fetching the definitions of $version"
  export GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  module=$(cd "$here" && "$go" mod download "$MODULE" >&2 && "$go" list -m -f '{{.Dir}}' "$MODULE") ||
    fail "the module was not fetched (modules come from GOPROXY=$("$go" env GOPROXY))"
  for definition in "${DEFINITIONS[@]}"; do
    install -m 644 "$module/config/crd/bases/$definition" "$1/$definition" || fail "the module lacks $definition"
  done
}

once "$cache/notification-controller/$version" "${DEFINITIONS[-1]}" "${1:-}" fetch
