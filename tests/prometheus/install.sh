#!/usr/bin/env bash
# Puts prometheus and promtool into a folder and prints that folder as the last line of stdout. Progress goes to stderr.
#
#   install.sh           fetch them where they are missing
#   install.sh --print   fetch nothing: print the folder when it is complete, else say what to do and exit 1
#
# Searched in this order: PROMETHEUS_ASSETS; the PATH; the cache, which lies outside the clone so that a second clone reuses
# it; the package `prometheus` of Debian or Ubuntu, which is only unpacked: no root is needed and nothing is installed.
set -euo pipefail

readonly TITLE="prometheus"
readonly PROGRAMS=(prometheus promtool)

# shellcheck source=tests/debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/../debian.sh"
folder=$cache/prometheus

# complete FOLDER: whether it has all programs, and they run here.
complete() {
  local program
  for program in "${PROGRAMS[@]}"; do
    "$1/$program" --version >/dev/null 2>&1 || return 1
  done
}

fetch() {
  local began=$SECONDS program hint="install the package prometheus, or set PROMETHEUS_ASSETS to a folder with ${PROGRAMS[*]}"
  work=$cache/.prometheus.$$ # not local: the trap needs it
  rm -rf "$cache"/.prometheus.*[0-9] # left by an interrupted run: we hold the lock, so nobody uses them
  mkdir -p "$work/bin"
  trap 'rm -rf "$work"' EXIT
  say "fetching the package from Debian, once, some 20 MB"
  fetch_lists "$work" "$hint"
  unpack "$work" "$hint" "$work/root" prometheus # without what it needs to run as a service
  for program in "${PROGRAMS[@]}"; do
    mv "$work/root/usr/bin/$program" "$work/bin/" || fail "the package has no $program: $hint"
  done
  complete "$work/bin" || fail "what the package brings does not run here: $hint"
  rm -rf "$folder"
  mv -T "$work/bin" "$folder" # one rename: the folder is complete or absent
  say "unpacked in $folder after $((SECONDS - began)) s"
}

main() {
  if [[ -n ${PROMETHEUS_ASSETS:-} ]]; then
    complete "$PROMETHEUS_ASSETS" || fail "PROMETHEUS_ASSETS=$PROMETHEUS_ASSETS lacks ${PROGRAMS[*]}"
    echo "$PROMETHEUS_ASSETS"
    return
  fi
  local installed
  installed=$(dirname "$(command -v promtool || echo /nowhere/promtool)")
  if complete "$installed"; then
    echo "$installed"
    return
  fi
  if ! complete "$folder"; then
    [[ ${1:-} != --print ]] || fail "the programs are missing in $folder: run tests/prometheus/install.sh"
    command -v flock >/dev/null || fail "flock (package util-linux) is needed"
    mkdir -p "$cache"
    exec 9>"$cache/.prometheus.lock"
    flock 9
    complete "$folder" || fetch
  fi
  echo "$folder"
}

main "$@"
