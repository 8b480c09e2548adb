#!/usr/bin/env bash
# Runs every test on real Docker, nginx, redis and git, and lists the ten slowest. Two groups run side by side: the packages
# whose goroutines share memory, with the race detector, and the end-to-end tests, whose programs have processes of
# their own.
#
# usage: scripts/test.sh [go test flags]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"
set -a && . ./.env && set +a

work=$(mktemp -d)
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

set -m   # each group gets a process group of its own
group race . -race -p 1 "${packages[@]}" &
jobs=($!)
(group e2e . ./test/e2e && group gallery examples/gallery -race ./... && group oracle test/oracle ./...) &
jobs+=($!)
set +m
trap 'kill -- "${jobs[@]/#/-}" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
failed=
for job in "${jobs[@]}"; do wait "$job" || failed=yes; done

say "the ten slowest tests"
cat "$work"/*.json | $gotestsum tool slowest --num 10
[ -z "$failed" ] || die "tests fail, see above"
say "all tests pass"
