#!/usr/bin/env bash
# Shows that the signature of a release holds, and that it does not hold for other files: verify.sh XTASK
#
# Makes a release of what is not committed, with programs that are none, into a temporary folder; signs its sums with a key of
# its own, as docs/releases.md says, and without a network: nothing is written into a public log.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
xtask=$(realpath "$1")
cosign=$("$here/install.sh" --print)/cosign

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf 'signature: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../../Cargo.toml" | head -n 1)
{ printf '\x7fELF\x02'; head -c 59 /dev/zero; } >"$work/program"
"$xtask" release "$version" --root "$here/../.." --trial --out "$work/release" \
  --operator "amd64=$work/program" --plugin "amd64=$work/program" >/dev/null
cd "$work/release"

export COSIGN_PASSWORD=of-this-test HOME=$work
(cd "$work" && "$cosign" generate-key-pair >/dev/null 2>&1) || fail "no key was made"
mv "$work/cosign.pub" .
"$here/sign.sh" "$work/cosign.key" . || fail "the sums were not signed"

verify() {
  "$cosign" verify-blob --key cosign.pub --bundle SHA256SUMS.sigstore.json --insecure-ignore-tlog SHA256SUMS
}
verify || fail "the signature of a release does not hold"
sha256sum --quiet --strict --check SHA256SUMS || fail "the sums of a release do not hold"

cp SHA256SUMS kept
sed -i '1s/^./z/' SHA256SUMS
! verify 2>/dev/null || fail "the signature holds for other sums"
mv kept SHA256SUMS
echo >>install.yaml
! sha256sum --quiet --strict --check SHA256SUMS 2>/dev/null || fail "the sums hold for another file"
say "holds for the release, and for nothing else"
