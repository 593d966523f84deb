#!/usr/bin/env bash
# Signs the sums of a release with a key, without a network and outside of the public log: sign.sh KEY FOLDER
#
# Writes FOLDER/SHA256SUMS.sigstore.json. COSIGN_PASSWORD is the key's password; without it, cosign asks.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cosign=$("$here/install.sh" --print)/cosign
"$cosign" sign-blob --yes --key "$1" --bundle "$2/SHA256SUMS.sigstore.json" --use-signing-config=false --tlog-upload=false \
  "$2/SHA256SUMS" >/dev/null
