# shellcheck shell=bash
# For the scripts that fetch a program from Debian's packages. They bring TITLE, see say.sh.
#
# Packages are only unpacked: nothing is installed, and root is not needed. apt checks them against the signed lists of the
# distribution, which are fetched from the sources that the machine names. Lists and archives lie in a folder of our own, so
# that the machine's may be old, or missing as in most images.

# shellcheck source=say.sh
source "${BASH_SOURCE[0]%/*}/say.sh"

# own_apt WORK ARGUMENT...: what is installed on the machine is read, so that only what is missing is fetched.
own_apt() {
  local work=$1
  shift
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
  apt-get -qq -o Dir::State="$work/state" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$work/cache" \
    -o APT::Sandbox::User= -o Debug::NoLocking=1 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 \
    -o Acquire::https::Timeout=30 "$@" </dev/null
}

# fetch_lists WORK HINT: the lists of packages.
fetch_lists() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "this is no Debian: $2"
  # One source that is out of reach must not stop the others; whether the package is there is seen next.
  own_apt "$1" update >&2 || say "not all lists of packages could be fetched"
}

# missing_for WORK PACKAGE: the package and those that it needs and that are not installed, one a line; fails when it does
# not exist.
missing_for() {
  own_apt "$1" install --simulate --no-install-recommends "$2" 2>/dev/null | awk '$1 == "Inst" {print $2}'
}

# unpack WORK HINT FOLDER PACKAGE...: downloads packages and unpacks them into a folder.
unpack() {
  local work=$1 hint=$2 folder=$3 archive
  shift 3
  mkdir -p "$work/debs" "$folder"
  (cd "$work/debs" && own_apt "$work" download "$@" >&2) || fail "these packages cannot be fetched: $*: $hint"
  for archive in "$work"/debs/*.deb; do
    dpkg-deb --extract "$archive" "$folder" || fail "$archive cannot be unpacked: $hint"
  done
}
