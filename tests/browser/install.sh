#!/usr/bin/env bash
# Finds or fetches a headless Chromium for the tests of the fleet page and prints its path as the last line of stdout.
# Progress goes to stderr.
#
#   install.sh           fetch it where it is missing
#   install.sh --print   fetch nothing: print the path when there is one, else say what to do and exit 1
#
# Searched in this order: CHROMIUM; the cache, which lies outside the clone; the programs in PATH; Debian's packages, which
# are unpacked into the cache with the libraries that this machine lacks: nothing is installed, and root is not needed.
set -euo pipefail

readonly TITLE="browser"
readonly PACKAGES=(chromium-headless-shell chromium) # the first that there is
readonly NAMES=(chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable)
readonly HINT="install Chromium or Chrome, or set CHROMIUM to its program"

# shellcheck source=tests/debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/../debian.sh"
shelf=$cache/browser
program=$shelf/current/chromium

runs() { "$1" --version >/dev/null 2>&1; }

fetch() {
  local began=$SECONDS package="" missing="" folders
  work=$shelf/.work.$$ # not local: the trap needs it
  rm -rf "$shelf/".work.* # left by an interrupted run: we hold the lock, so nobody uses them
  mkdir -p "$work/whole"
  trap 'rm -rf "$work"' EXIT
  say "fetching Chromium and what it needs from Debian's packages, once, some 70 MB"
  fetch_lists "$work" "$HINT"
  for package in "${PACKAGES[@]}"; do
    missing=$(missing_for "$work" "$package") && break || missing=""
  done
  [[ -n $missing ]] || fail "apt knows none of these packages, or cannot be asked: ${PACKAGES[*]}: $HINT"
  # shellcheck disable=SC2086 # one word for each package
  unpack "$work" "$HINT" "$work/whole/root" $missing
  # The libraries lie where the linker does not look; some in folders of their own.
  folders=$(cd "$work/whole/root" && find . -name '*.so*' -printf '%h\n' | sort -u | sed 's|^\.|$here/root|' | paste -sd:)
  cat >"$work/whole/chromium" <<WRAPPER
#!/bin/sh
here=\$(cd "\$(dirname "\$0")" && pwd -P)
LD_LIBRARY_PATH="$folders\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "\$here/root/usr/lib/chromium/$package" "\$@"
WRAPPER
  chmod 755 "$work/whole/chromium"
  runs "$work/whole/chromium" || fail "the Chromium from Debian does not run here: $HINT"
  rm -rf "$shelf/current"
  mv -T "$work/whole" "$shelf/current" # one rename: the folder is complete or absent
  say "installed in $shelf/current after $((SECONDS - began)) s"
}

main() {
  local name found
  if [[ -n ${CHROMIUM:-} ]]; then
    runs "$CHROMIUM" || fail "CHROMIUM=$CHROMIUM does not run: correct or unset it"
    echo "$CHROMIUM"
    return
  fi
  # One that was fetched before the machine got other libraries may no longer run.
  if ! runs "$program"; then
    for name in "${NAMES[@]}"; do
      found=$(command -v "$name" || true)
      if [[ -n $found ]] && runs "$found"; then
        echo "$found"
        return
      fi
    done
    [[ ${1:-} != --print ]] || fail "there is no Chromium: run \`make browser\`"
    command -v flock >/dev/null || fail "flock (package util-linux) is needed"
    mkdir -p "$shelf"
    exec 9>"$shelf/.lock"
    flock --nonblock 9 || { say "another installation is under way: waiting for it"; flock 9; }
    runs "$program" || fetch
  fi
  echo "$program"
}

main "$@"
