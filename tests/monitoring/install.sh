#!/usr/bin/env bash
# Puts prometheus and promtool into a folder and prints that folder as the last line of stdout. Progress goes to stderr.
#
#   install.sh           fetch them where they are missing
#   install.sh --print   fetch nothing: print the folder when it is complete, else say what to do and exit 1
#
# Searched in this order: PROMETHEUS_ASSETS; the PATH; the cache, which lies outside the clone so that a second clone reuses
# it; the package `prometheus` of Debian or Ubuntu, which is only unpacked: no root is needed and nothing is installed.
set -euo pipefail

readonly PROGRAMS=(prometheus promtool)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/speech-operator
folder=$cache/prometheus

say() { printf 'prometheus: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# complete FOLDER: whether it has all programs, and they run here.
complete() {
  local program
  for program in "${PROGRAMS[@]}"; do
    "$1/$program" --version >/dev/null 2>&1 || return 1
  done
}

fetch() {
  local hint="install the package prometheus, or set PROMETHEUS_ASSETS to a folder with ${PROGRAMS[*]}"
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "this is no Debian: $hint"
  local program
  work=$cache/.prometheus.$$ # not local: the trap needs it
  rm -rf "$cache"/.prometheus.*
  mkdir -p "$work"
  trap 'rm -rf "$work"' EXIT
  say "fetching the package"
  # apt checks the package against the signed lists of the distribution. Where the machine has none, lists of our own do.
  if ! (cd "$work" && apt-get download prometheus >&2); then
    say "fetching the lists of packages"
    local own=(-o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache")
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    apt-get "${own[@]}" update >&2 && (cd "$work" && apt-get "${own[@]}" download prometheus >&2) ||
      fail "the package could not be fetched: $hint"
  fi
  dpkg-deb --extract "$work"/prometheus_*.deb "$work/root"
  mkdir "$work/bin"
  for program in "${PROGRAMS[@]}"; do mv "$work/root/usr/bin/$program" "$work/bin/"; done
  complete "$work/bin" || fail "what the package brings does not run here: $hint"
  rm -rf "$folder"
  mv -T "$work/bin" "$folder" # one rename: the folder is complete or absent
  say "unpacked in $folder"
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
    [[ ${1:-} != --print ]] || fail "the programs are missing in $folder: run tests/monitoring/install.sh"
    command -v flock >/dev/null || fail "flock (package util-linux) is needed"
    mkdir -p "$cache"
    exec 9>"$cache/.prometheus.lock"
    flock 9
    complete "$folder" || fetch
  fi
  echo "$folder"
}

main "$@"
