#!/usr/bin/env bash
# Puts what a node consists of into a folder and prints that folder as the last line of stdout: kubelet, kube-scheduler,
# kube-proxy, coredns, kube-router, crane, cloud and pause in it, and what Debian has (containerd, runc, CNI plugins, nft, iptables,
# ipset, conntrack) in its folder `debian`. Progress goes to stderr.
#
#   install.sh           build and fetch them where they are missing
#   install.sh --print   do nothing: print the folder when it is complete, else say what to do and exit 1
#
# Searched in this order: NODE_ASSETS; the cache, which lies outside the clone so that a second clone reuses it; builds of the
# published Go modules (the versions come from the go.mod in the folder of each) and packages of Debian or Ubuntu, which are
# only unpacked.
set -euo pipefail

readonly TITLE="node"
readonly PROGRAMS=(kubelet kube-scheduler kube-proxy coredns kube-router crane cloud pause)
readonly PACKAGES=(containerd runc containernetworking-plugins nftables iptables ipset conntrack)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck disable=SC2034 # go.sh reads it
GO_MINIMUM=26 # what CoreDNS' own go.mod asks for
# shellcheck source=../go.sh
source "$here/../go.sh"
# shellcheck source=../debian.sh
source "$here/../debian.sh"

kubernetes_version=$(awk '$1 == "k8s.io/kubernetes" {print $2}' "$here/kubernetes/go.mod")
# One folder for each set of versions; a change of our own sources is another version.
versions=$(cd "$here" && cat ./*/go.mod ./*/go.sum coredns/main.go cloud/main.go pause.c install.sh | sha256sum | cut -c1-12)

# build PROGRAM MODULE-FOLDER PACKAGE WORK [LDFLAGS]
build() {
  local began=$SECONDS
  (cd "$here/$2" && "$go" build -trimpath -ldflags "-s -w ${5:-}" -o "$4/$1" "$3" >&2) ||
    fail "$1 was not built (modules come from GOPROXY=$("$go" env GOPROXY))"
  say "built $1 in $((SECONDS - began)) s"
}

build_all() {
  local work=$1 program minor=${kubernetes_version#v1.} version=k8s.io/component-base/version
  grep -qF "k8s.io/kubernetes $kubernetes_version" "$here/../control-plane/go.mod" ||
    fail "kubernetes/go.mod has another version than ../control-plane/go.mod"
  go=$(find_go "set NODE_ASSETS to a folder with ${PROGRAMS[*]} and debian/")
  say "building with $("$go" version | cut -d' ' -f3), some minutes on two cores, once per machine"
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
  for program in kubelet kube-scheduler kube-proxy; do
    build "$program" kubernetes "k8s.io/kubernetes/cmd/$program" "$work" \
      "-X $version.gitVersion=$kubernetes_version -X $version.gitMajor=1 -X $version.gitMinor=${minor%%.*}"
  done
  build coredns coredns . "$work"
  build cloud cloud . "$work"
  build crane crane github.com/google/go-containerregistry/cmd/crane "$work"
  build kube-router kube-router github.com/cloudnativelabs/kube-router/v2/cmd/kube-router "$work"
  command -v cc >/dev/null || fail "cc is missing: install gcc and libc6-dev"
  cc -Os -static -o "$work/pause" "$here/pause.c" || fail "pause was not built: install gcc and libc6-dev"
}

# The packages, and those that they need and the machine lacks.
unpack_packages() {
  local began=$SECONDS work=$1 program package needed hint="install ${PACKAGES[*]} into a folder, and set NODE_ASSETS to the one above"
  local -A wanted=()
  fetch_lists "$work/apt" "$hint"
  for package in "${PACKAGES[@]}"; do
    wanted[$package]=1
    for needed in $(missing_for "$work/apt" "$package"); do wanted[$needed]=1; done
  done
  unpack "$work/apt" "$hint" "$work/debian" "${!wanted[@]}"
  rm -rf "$work/apt"
  # As the package's own script chooses.
  for program in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
    ln -sf xtables-nft-multi "$work/debian/usr/sbin/$program"
  done
  say "unpacked ${!wanted[*]} in $((SECONDS - began)) s"
}

install() {
  unpack_packages "$1"
  build_all "$1"
  touch "$1/complete" # written last
}

if [[ -n ${NODE_ASSETS:-} ]]; then
  for program in "${PROGRAMS[@]}" debian; do
    [[ -x $NODE_ASSETS/$program ]] || fail "NODE_ASSETS=$NODE_ASSETS lacks $program"
  done
  echo "$NODE_ASSETS"
else
  once "$cache/node/$versions" complete "${1:-}" install
fi
