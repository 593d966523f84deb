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

readonly TITLE="notification-controller"
readonly MODULE=github.com/fluxcd/notification-controller
readonly DEFINITIONS=(config/crd/bases/notification.toolkit.fluxcd.io_{receivers,providers,alerts}.yaml)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=../go.sh
source "$here/../go.sh"

fetch() { take_from_module "$MODULE" "$1" "${DEFINITIONS[@]}"; }

once "$cache/notification-controller/$(version_of "$MODULE")" "${DEFINITIONS[-1]##*/}" "${1:-}" fetch
