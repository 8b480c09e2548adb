#!/usr/bin/env bash
# Commits a change to the demo's gallery that a visitor sees, and delivers it to verdigris as a signed GitHub push.
#
# usage: scripts/demo-push.sh [headline]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

[ -d "$gallery/.git" ] || die "the demo's repository is not there" "make demo makes it"
look=$gallery/examples/gallery/look.go

headlines=('Cats of the harbour' 'Cats on the roof' 'Cats in the garden' 'Cats by the stove')
accents=('#2f6fde' '#2e8b57' '#b5479b' '#c7702e')

version=$(($(sed -n 's/.*version *= "\([0-9]*\)".*/\1/p' "$look") + 1))
turn=$(((version - 1) % ${#headlines[@]}))
headline=${1:-${headlines[$turn]}}
if [[ ! $headline =~ ^[A-Za-z0-9\ .,!?:-]+$ ]]; then
    die "a headline has letters, digits, spaces and .,!?:- and nothing else"
fi

sed -i -e "s/\(version *= \).*/\1\"$version\"/" \
    -e "s/\(headline *= \).*/\1\"$headline\"/" \
    -e "s/\(accent *= \).*/\1\"${accents[$turn]}\"/" "$look"
gallery_git commit -q -a -m "Version $version: $headline"
commit=$(gallery_git rev-parse HEAD)

say "commit ${commit:0:12} \"Version $version: $headline\""
bin/verdigris hook send --commit "$commit"
