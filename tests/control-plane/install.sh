#!/usr/bin/env bash
# Puts etcd, kube-apiserver, kube-controller-manager and kubectl of one pinned version into a folder and prints that
# folder as the last line of stdout. Progress goes to stderr.
#
#   install.sh           install where something is missing
#   install.sh --print   install nothing: print the folder when it is complete, else say what to do and exit 1
#
# KUBERNETES=oldest or newest takes another version than the one that the demo and `make test` use.
#
# Searched in this order: KUBEBUILDER_ASSETS; the cache, which lies outside the clone so that a second clone reuses it;
# the official archives; a build of the published Go modules (the versions come from go.mod, oldest.mod and newest.mod beside
# this file).
set -euo pipefail

readonly TITLE="control plane"
readonly PROGRAMS=(etcd kube-apiserver kube-controller-manager kubectl)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
requirements=$here/${KUBERNETES:-go}.mod

# shellcheck source=../go.sh
source "$here/../go.sh"
[[ -e $requirements ]] || fail "KUBERNETES=$KUBERNETES is not known: oldest, newest, or nothing"
kubernetes_version=$(sed -n 's/^\tk8s\.io\/kubernetes //p' "$requirements")
etcd_version=$(sed -n 's/^\tgo\.etcd\.io\/etcd\/server\/v3 //p' "$requirements")
shelf=$cache/control-plane
folder=$shelf/$kubernetes_version-etcd-$etcd_version

# missing_in FOLDER: the names of the programs it lacks.
missing_in() {
  local program
  for program in "${PROGRAMS[@]}"; do
    [[ -x $1/$program ]] || printf '%s ' "$program"
  done
}

# Reads what is being done from stdin and repeats it with the elapsed time every 15 s. It ends when stdin does, so it
# never outlives the script, however that ends.
tell_progress() {
  trap '' INT # the script's own end is what ends it
  local line label="" status
  while true; do
    status=0
    IFS= read -r -t 15 line || status=$?
    if ((status > 128)); then
      say "still $label ($((SECONDS - began)) s)"
    elif ((status != 0)); then
      return 0
    else
      label=$line
      say "$label ($((SECONDS - began)) s)"
    fi
  done
}

fetch() { curl --fail --silent --location --connect-timeout 2 "$@"; }

# checked FILE ALGORITHM SUM: whether the file has the published checksum.
checked() { [[ $("$2sum" "$1" | cut -d' ' -f1) == "$3" ]]; }

# The official archives. Whoever cannot reach them must not wait: the first request has 2 s, and a download that
# crawls is given up in favour of the build.
download_into() {
  local work=$1 arch site program sum archive
  command -v curl >/dev/null || return 1
  case $(uname -m) in
    x86_64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) return 1 ;;
  esac
  site=https://dl.k8s.io/$kubernetes_version/bin/linux/$arch
  fetch --max-time 2 --output "$work/probe" "$site/kubectl.sha256" || return 1
  for program in kube-apiserver kube-controller-manager kubectl; do
    echo "downloading $program" >&"$ticker"
    sum=$(fetch --max-time 5 "$site/$program.sha256") || return 1
    fetch --speed-limit 200000 --speed-time 5 --output "$work/$program" "$site/$program" || return 1
    checked "$work/$program" sha256 "$sum" || { say "$program: wrong checksum, not used"; return 1; }
  done
  echo "downloading etcd" >&"$ticker"
  archive=etcd-$etcd_version-linux-$arch.tar.gz
  site=https://github.com/etcd-io/etcd/releases/download/$etcd_version
  sum=$(fetch --max-time 5 "$site/SHA256SUMS" | awk -v name="$archive" '$2 == name {print $1}') || return 1
  fetch --speed-limit 200000 --speed-time 5 --output "$work/$archive" "$site/$archive" || return 1
  checked "$work/$archive" sha256 "$sum" || { say "etcd: wrong checksum, not used"; return 1; }
  tar -xzf "$work/$archive" -C "$work" --strip-components=1 "${archive%.tar.gz}/etcd" || return 1
  rm "$work/probe" "$work/$archive"
  (cd "$work" && chmod 755 "${PROGRAMS[@]}")
}

build_into() {
  local work=$1 go minor flags program package
  go=$(find_go "set KUBEBUILDER_ASSETS to a folder with ${PROGRAMS[*]}")
  minor=${kubernetes_version#v1.}
  flags="-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes_version"
  flags+=" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${minor%%.*}"
  say "the official archives are out of reach: building with $("$go" version | cut -d' ' -f3), about 5 minutes on two cores, once per machine"
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  cd "$here"
  for program in "${PROGRAMS[@]}"; do
    package=k8s.io/kubernetes/cmd/$program
    [[ $program == etcd ]] && package=go.etcd.io/etcd/server/v3
    echo "building $program" >&"$ticker"
    "$go" build -modfile="$requirements" -trimpath -ldflags "$flags" -o "$work/$program" "$package" {ticker}>&- >&2 ||
      fail "$program was not built (modules come from GOPROXY=$("$go" env GOPROXY))"
  done
}

install() {
  began=$SECONDS
  work=$shelf/.work.$$
  rm -rf "$shelf/".work.* # left by an interrupted run: we hold the lock, so nobody uses them
  mkdir -p "$work"
  exec {ticker}> >(tell_progress)
  trap 'rm -rf "$work"' EXIT
  if ! download_into "$work"; then
    rm -rf "$work"
    mkdir -p "$work"
    build_into "$work"
  fi
  local missing
  missing=$(missing_in "$work")
  [[ -z $missing ]] || fail "these are missing after the installation: $missing"
  rm -rf "$folder"
  mv -T "$work" "$folder" # one rename: the folder is complete or absent
  exec {ticker}>&-
  say "installed in $folder after $((SECONDS - began)) s"
}

main() {
  if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
    local missing
    missing=$(missing_in "$KUBEBUILDER_ASSETS")
    [[ -z $missing ]] || fail "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks: $missing- put them there, or unset the variable and run \`make control-plane\`"
    echo "$KUBEBUILDER_ASSETS"
    return
  fi
  if [[ -n $(missing_in "$folder") ]]; then
    [[ ${1:-} != --print ]] || fail "the binaries are missing in $folder: run \`make control-plane\`"
    [[ $(uname -s) == Linux ]] || fail "only Linux is served: set KUBEBUILDER_ASSETS to a folder with ${PROGRAMS[*]}"
    command -v flock >/dev/null || fail "flock (package util-linux) is needed"
    mkdir -p "$shelf"
    exec 9>"$shelf/.lock"
    flock --nonblock 9 || { say "another installation is under way: waiting for it"; flock 9; }
    [[ -z $(missing_in "$folder") ]] || install
  fi
  echo "$folder"
}

main "$@"
