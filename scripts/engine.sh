#!/usr/bin/env bash
# Runs the tests against the newest Docker Engine that Debian packages. Tests reach containers by their addresses, so that
# they run where that Engine does: in a container, with this machine's Go, its modules and its build cache. The container
# and its volumes are gone afterwards, however it ends.
#
# usage: scripts/engine.sh available                     status 0 if such an Engine can be had here, 3 if not
#        scripts/engine.sh [go test flags and packages]  what an Engine can change, if none are given: the tests of compose/,
#                                                        the router's container and five whole ways
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

suite=${ENGINE_SUITE:-forky}
image=verdigris-local/engine
name=verdigris-engine-$$
unavailable=3

# What an Engine in a container needs: everything or, on a machine that lacks a capability itself, all but that one.
privileges=(--privileged)
fewer=(--cap-add ALL --cap-drop SYS_RESOURCE --device-cgroup-rule 'a *:* rwm' --security-opt systempaths=unconfined
    --security-opt seccomp=unconfined --security-opt apparmor=unconfined)

not_available() {
    printf '\n!!! NOT TESTED AGAINST A NEWER ENGINE !!!\n' >&2
    printf '%s\n\n' "$@" >&2
    exit $unavailable
}

permitted() { docker run --rm --network none "$@" "$(env_get BASE_IMAGE)" true >/dev/null 2>&1; }

# can_fetch asks the mirror that the base image names for the suite.
can_fetch() {
    timeout 60 docker run --rm "$(env_get BASE_IMAGE)" sh -c '
        mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -oE "https?://[^ ]+" | head -n 1)
        /usr/lib/apt/apt-helper download-file "$mirror/dists/$1/InRelease" /tmp/release' sh "$suite" >/dev/null 2>&1
}

# look finds out whether this machine can get and run the Engine, and how.
look() {
    can_fetch || not_available "Debian's suite $suite, which has the newest Docker, cannot be reached from a container."
    permitted "${privileges[@]}" && return
    privileges=("${fewer[@]}")
    permitted "${privileges[@]}" ||
        not_available "This machine's Engine does not let a container administer the system (docker run --privileged)."
}

build_image() {
    local output
    if ! output=$(docker build --force-rm -t "$image" --target engine --build-arg "BASE_IMAGE=$(env_get BASE_IMAGE)" \
        --build-arg "SUITE=$suite" --build-arg "PACKAGES=$(scripts/tools.sh packages)" scripts/images/docker 2>&1); then
        printf '%s\n' "$output" >&2
        die "build $image failed"
    fi
}

# start starts the container. Its /tmp is a volume like the Engine's data: what the tests write there is a disk's.
start() {
    local go_root go_modules go_cache
    read -r go_root go_modules go_cache < <(go env GOROOT GOMODCACHE GOCACHE | paste -sd' ')
    docker run --detach --init --name "$name" "${privileges[@]}" \
        --volume /var/lib/docker --volume /tmp \
        --volume "$root:$root:ro" --volume "$go_root:$go_root:ro" --volume "$go_modules:$go_modules:ro" \
        --volume "$go_cache:$go_cache" \
        --env "PATH=$go_root/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
        --env "GOMODCACHE=$go_modules" --env "GOCACHE=$go_cache" --env GOPROXY=off --env GOTOOLCHAIN=local \
        --env GOFLAGS=-buildvcs=false --env CGO_ENABLED=0 "$image" >/dev/null
    local i
    for i in $(seq 120); do
        if inside docker version >/dev/null 2>&1; then return; fi
        sleep 0.5
    done
    docker logs --tail 30 "$name" >&2
    die "the Engine in the container does not answer 60 s after its start" "the lines above are the end of its log"
}

inside() { docker exec --env-file "$env_file" --workdir "$PWD" "$name" "$@"; }

# run_tests runs the tests of the module in a directory, with the flags and packages that follow. What the build cache
# remembers of earlier runs may be of another Engine.
run_tests() {
    say "go test ${*:2}, in $1"
    (cd "$1" && inside go test -count=1 -timeout 30m "${@:2}") &
    wait $! || failed=yes   # a signal ends a wait, but not a command
}

# The router in a container, and five whole ways: a push, an app that init prepared, an nginx of one's own, verdigris itself in
# a container, and shared servers that crash.
router_tests=(TestCutoversThroughContainersFailNoRequest)
whole_ways=(
    TestASignedPushBecomesTheLiveSliceWithItsDataAndARollbackBringsBothBack
    TestAnAppGoesLiveThroughWhatInitWrote
    TestAnNginxOfOnesOwnIsRoutedThroughOneIncludeFile
    TestVerdigrisInAContainerDeploysWithBindMountsOfTheReleaseAndRollsBack
    TestSharedServersThatCrashComeBackByThemselvesAndTheNextPushSucceeds
)

# run_named runs tests of a package by their names, and fails where one of them does not exist.
run_named() {
    local package=$1 pattern found
    shift
    pattern="^($(paste -sd'|' <<<"$(printf '%s\n' "$@")"))\$"
    found=$(go test -list "$pattern" "$package" | grep -c '^Test' || true)
    [ "$found" = $# ] || die "$package has $found of these tests: $*" "scripts/engine.sh names them"
    run_tests . -run "$pattern" "$package"
}

# images lists what .env names.
images() { sed -n 's/^[A-Z]*_IMAGE=//p' "$env_file" | sort -u; }

# clean_up leaves what was added to the build cache to its owner.
clean_up() {
    inside chown -R --from=root "$(id -u):$(id -g)" "$(go env GOCACHE)" 2>/dev/null || true
    docker rm --force --volumes "$name" >/dev/null 2>&1 || true
}

look
if [ "${1:-}" = available ]; then exit; fi

say "building $image with Debian $suite's Docker"
build_image
say "getting the modules of the tests"
for module in . test/oracle; do (cd $module && go list -deps -test ./... >/dev/null); done
trap clean_up EXIT
trap 'exit 130' INT TERM
start
version=$(inside docker version --format '{{.Server.Version}}, API {{.Server.APIVersion}}')
say "loading the images into Engine $version"
images | xargs docker save | docker exec -i "$name" docker load -q >/dev/null
failed=no
if [ $# -gt 0 ]; then
    run_tests . "$@"
else
    run_tests . ./compose
    run_named ./nginx "${router_tests[@]}"
    run_named ./test/e2e "${whole_ways[@]}"
fi
[ $failed = no ] || die "the tests fail on Engine $version, see above"
say "the tests pass on Engine $version"
