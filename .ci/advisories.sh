#!/usr/bin/env bash
# Checks the dependencies against the advisories of RustSec: .ci/advisories.sh CARGO-DENY
#
# The database is the folder or the .tar.gz that ADVISORY_DB names; else an advisory-db.tar.gz that lies beside the clone, at
# most two folders deep; else it is fetched. Says how old it is. Where none can be had, says loudly that nothing was checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
deny=$1

say() { printf 'advisories: %s\n' "$*"; }

database=${ADVISORY_DB:-}
if [[ -z $database ]]; then
  for candidate in ../advisory-db.tar.gz ../*/advisory-db.tar.gz ../*/*/advisory-db.tar.gz; do
    [[ ! -f $candidate ]] || database=$candidate
  done
fi

if [[ -z $database ]]; then
  if GIT_TERMINAL_PROMPT=0 timeout 60 "$deny" --log-level off fetch db >/dev/null 2>&1; then
    exec "$deny" check --disable-fetch advisories
  fi
  say "NOT CHECKED: the database cannot be fetched; name a copy in ADVISORY_DB"
  exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/database"
if [[ -d $database ]]; then
  cp -r "$database/." "$work/database"
  rm -rf "$work/database/.git"
else
  tar --extract --gzip --file "$database" --directory "$work/database"
fi
newest=$(grep -rhoE '^date = "[0-9-]+"' "$work/database/crates" --include '*.md' | sort | tail -n 1 | cut -d '"' -f 2)
[[ -n $newest ]] || { say "$database holds no advisory" >&2; exit 1; }
say "$database, newest advisory of $newest, $((($(date +%s) - $(date -d "$newest" +%s)) / 86400)) days ago"

# cargo-deny reads a database from a git repository only.
repository() {
  git -C "$work/database" -c init.defaultBranch=main -c user.name=x -c user.email=x@example.com -c commit.gpgSign=false "$@"
}
repository init --quiet
repository add --all
repository commit --quiet --message database
{ cat deny.toml; printf 'db-path = "%s"\ngit-fetch-with-cli = true\n' "$work/fetched"; } >"$work/deny.toml"
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$work/database.insteadOf"
export GIT_CONFIG_VALUE_0=https://github.com/RustSec/advisory-db
"$deny" --config "$work/deny.toml" check advisories
