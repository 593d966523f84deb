# shellcheck shell=bash
# For the scripts that put something into the cache: where it lies, and how they speak. They bring TITLE, their name in what
# they say.

# Outside of the clone, so that a second clone reuses it.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/speech-operator

say() { printf '%s: %s\n' "$TITLE" "$*" >&2; }
fail() {
  say "$*"
  exit 1
}
