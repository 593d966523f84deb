#!/usr/bin/env bash
# Puts the CustomResourceDefinitions of the Prometheus operator into a folder and prints that folder as the last line of
# stdout. Progress goes to stderr. The operator itself is not built.
#
#   install.sh           fetch them where they are missing
#   install.sh --print   fetch nothing: print the folder when they are there, else say what to do and exit 1
#
# Searched in this order: the cache; the published Go module, of which they are a part (the version comes from go.mod beside
# this file).
set -euo pipefail

readonly TITLE="prometheus operator"
readonly MODULE=github.com/prometheus-operator/prometheus-operator
readonly DEFINITIONS=(example/prometheus-operator-crd/monitoring.coreos.com_{prometheusrules,servicemonitors}.yaml)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=../go.sh
source "$here/../go.sh"

fetch() { take_from_module "$MODULE" "$1" "${DEFINITIONS[@]}"; }

once "$cache/prometheus-operator/$(version_of "$MODULE")" "${DEFINITIONS[-1]##*/}" "${1:-}" fetch
