#!/usr/bin/env bash
# Runs every test on real Docker, nginx, redis and git, and lists the ten slowest: the packages whose goroutines
# share memory with the race detector, the end-to-end tests, whose programs have processes of their own, without.
#
# usage: scripts/test.sh [go test flags]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"
set -a && . ./.env && set +a

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# group NAME DIRECTORY FLAGS...: go test in a directory. -count=1: go does not see that the programs have changed
# that the tests build and run.
group() {
    local name=$1 directory=$2
    shift 2
    (cd "$directory" && $gotestsum --format pkgname-and-test-fails --hide-summary=skipped \
        --jsonfile "$work/$name.json" -- -count=1 -timeout 30m "$@" "${flags[@]}")
}

flags=("$@")
gotestsum='go run gotest.tools/gotestsum@v1.13.0'
# The longest first, so that nothing long is left to the end.
mapfile -t packages < <(go list ./compose ./redisync ./nginx && go list ./... | grep -vE '^verdigris/(compose|redisync|nginx|test/e2e)$')

failed=
# One after the other: the end-to-end tests measure what a machine that they load themselves still does in time.
group race . -race -p 2 "${packages[@]}" || failed=yes
group e2e . ./test/e2e || failed=yes
group gallery examples/gallery -race ./... || failed=yes
group oracle test/oracle ./... || failed=yes

say "the ten slowest tests"
cat "$work"/*.json | $gotestsum tool slowest --num 10
[ -z "$failed" ] || die "tests fail, see above"
say "all tests pass"
