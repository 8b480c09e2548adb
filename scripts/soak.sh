#!/usr/bin/env bash
# Random faults for as long as wanted: each test that repeats random rounds (its name has Rounds in it) and each fuzz target
# gets the same share of the time. The seed that each test prints repeats it.
#
# usage: scripts/soak.sh [time, 30m if not given]      VERDIGRIS_SEED=<number> scripts/soak.sh 10m
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"
set -a && . ./.env && set +a

# seconds turns 90s, 30m or 2h into seconds.
seconds() {
    [[ $1 =~ ^([0-9]+)([smh])$ ]] || die "a time is a number and s, m or h, such as 30m, not $1"
    case ${BASH_REMATCH[2]} in
    s) echo "${BASH_REMATCH[1]}" ;;
    m) echo $((BASH_REMATCH[1] * 60)) ;;
    h) echo $((BASH_REMATCH[1] * 3600)) ;;
    esac
}

# listed prints "package name" for each test or fuzz target whose name matches.
listed() {
    go test -list "$1" ./... | awk '/^(Test|Fuzz)/ { names[++n] = $1 } /^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }'
}

budget=$(seconds "${1:-30m}")
say "looking for tests with random rounds and for fuzz targets"
mapfile -t tests < <(listed Rounds)
mapfile -t targets < <(listed '^Fuzz')
[ ${#tests[@]} -gt 0 ] || die "no test has Rounds in its name"
share=$((budget / (${#tests[@]} + ${#targets[@]})))
[ $share -gt 0 ] || share=1
say "${#tests[@]} tests and ${#targets[@]} fuzz targets, $share s each"

failed=()
# one runs a test or a fuzz target; what it prints is shown, so that its seed can be seen.
one() {
    local what=$1
    shift
    say "$what"
    "$@" || failed+=("$what")
}
for line in "${tests[@]}"; do
    read -r package name <<<"$line"
    one "$line" env VERDIGRIS_SOAK="${share}s" go test -race -count=1 -timeout $((share + 1800))s -v -run "^$name\$" "$package"
done
for line in "${targets[@]}"; do
    read -r package name <<<"$line"
    one "$line" go test -run '^$' -fuzz "^$name\$" -fuzztime "${share}s" "$package"
done
[ ${#failed[@]} -eq 0 ] || die "failed: ${failed[*]}" "VERDIGRIS_SEED=<the seed that the test printed> repeats it"
say "${#tests[@]} tests and ${#targets[@]} fuzz targets pass"
