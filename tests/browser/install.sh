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

readonly PACKAGE=chromium-headless-shell
readonly NAMES=(chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable)
readonly HINT="install Chromium or Chrome, or set CHROMIUM to its program"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/speech-operator
shelf=$cache/browser
program=$shelf/current/chromium

say() { printf 'browser: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

runs() { "$1" --version >/dev/null 2>&1; }

# An apt of our own: its lists and archives lie in the work folder, so that neither root nor the machine's lists are needed.
# What is installed on the machine is read, so that only what is missing is fetched.
own_apt() {
  apt-get -qq -o Dir::State="$work/state" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$work/cache" \
    -o APT::Sandbox::User= -o Debug::NoLocking=1 "$@" </dev/null
}

fetch() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "this is no Debian: $HINT"
  local began=$SECONDS missing archive folders
  work=$shelf/.work.$$
  rm -rf "$shelf/".work.* # left by an interrupted run: we hold the lock, so nobody uses them
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/whole/root"
  trap 'rm -rf "$work"' EXIT
  say "fetching $PACKAGE and what it needs from Debian, once, some 100 MB"
  own_apt update >&2 || fail "the package lists cannot be fetched: $HINT"
  missing=$(own_apt install --simulate --no-install-recommends "$PACKAGE" | awk '$1 == "Inst" {print $2}') ||
    fail "there is no package $PACKAGE here: $HINT"
  # shellcheck disable=SC2086 # one word for each package
  (cd "$work/debs" && own_apt download $missing >&2) || fail "the packages cannot be fetched: $HINT"
  for archive in "$work"/debs/*.deb; do
    dpkg-deb -x "$archive" "$work/whole/root"
  done
  # The libraries lie where the linker does not look; some in folders of their own.
  folders=$(cd "$work/whole/root" && find . -name '*.so*' -printf '%h\n' | sort -u | sed 's|^\.|$here/root|' | paste -sd:)
  cat >"$work/whole/chromium" <<WRAPPER
#!/bin/sh
here=\$(cd "\$(dirname "\$0")" && pwd -P)
LD_LIBRARY_PATH="$folders\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "\$here/root/usr/lib/chromium/$PACKAGE" "\$@"
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
  if [[ ! -x $program ]]; then
    for name in "${NAMES[@]}"; do
      found=$(command -v "$name" || true)
      if [[ -n $found ]] && runs "$found"; then
        echo "$found"
        return
      fi
    done
    [[ ${1:-} != --print ]] || fail "there is no Chromium: run \`make browser\`"
    mkdir -p "$shelf"
    exec 9>"$shelf/.lock"
    flock --nonblock 9 || { say "another installation is under way: waiting for it"; flock 9; }
    [[ -x $program ]] || fetch
  fi
  echo "$program"
}

main "$@"
