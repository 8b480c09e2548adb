#!/usr/bin/env bash
# Sees to it that the programs which the demo or the tests need are there and that a Docker Engine answers. On
# Debian and Ubuntu, as root, what is missing is installed; elsewhere it says what to do.
#
# usage: scripts/tools.sh [demo|test]
#        scripts/tools.sh packages     prints the packages of what the tests need, and does nothing else
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# command=package; the tests need more than the demo.
tools='docker=docker.io git=git curl=curl'
if [ "${1:-demo}" != demo ]; then
    tools+=' docker-compose=docker-compose nginx=nginx-light redis-server=redis-server redis-cli=redis-tools'
    tools+=' docker-registry=docker-registry wrk=wrk'
    tools+=' ssh=openssh-client openssl=openssl gcc=gcc'   # the race detector needs a C compiler
fi

if [ "${1:-demo}" = packages ]; then
    for tool in $tools; do printf '%s ' "${tool#*=}"; done
    exit
fi

export PATH=$PATH:/usr/sbin:/sbin

missing() {
    local tool
    for tool in $tools; do
        have "${tool%%=*}" || printf '%s\n' "${tool#*=}"
    done
}

can_install() { [ "$(id -u)" = 0 ] && have apt-get; }

# quiet runs a command and shows its output only if it fails.
quiet() {
    local output
    if ! output=$("$@" 2>&1); then
        printf '%s\n' "$output" >&2
        die "$* failed"
    fi
}

install() {
    say "installing $*"
    export DEBIAN_FRONTEND=noninteractive
    quiet apt-get update -q
    quiet apt-get install -qy --no-install-recommends "$@"
    # The C library's headers, and the docker command where it is a package of its own, are recommended only.
    if [[ " $* " == *" gcc "* ]]; then quiet apt-get install -qy --no-install-recommends libc6-dev; fi
    have docker || quiet apt-get install -qy --no-install-recommends docker-cli
}

# Packages start their servers by themselves, on ports that the tests and the demo want.
stop_servers() {
    local package server
    for package in "$@"; do
        case $package in
        nginx-light) server=nginx ;;
        redis-server) server=redis-server ;;
        docker-registry) server=docker-registry ;;
        *) continue ;;
        esac
        service "$server" stop >/dev/null 2>&1 || true
        update-rc.d "$server" disable >/dev/null 2>&1 || true
    done
}

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

start_engine() {
    if ! [ "$(id -u)" = 0 ]; then
        die "no Docker Engine answers" "start it (sudo systemctl start docker), and see that $(id -un) may use it (group docker)"
    fi
    say "starting the Docker Engine"
    service docker start >/dev/null 2>&1 || true
    local i
    for i in $(seq 60); do
        if engine_answers; then return; fi
        sleep 0.5
    done
    die "the Docker Engine does not answer 30 s after its start" "look at: service docker status; docker version"
}

have go || die "Go is not installed" "install Go 1.26 or newer from https://go.dev/dl"

mapfile -t packages < <(missing)
if [ ${#packages[@]} -gt 0 ]; then
    if ! can_install; then
        die "missing: ${packages[*]}" \
            "on Debian or Ubuntu: sudo apt-get install ${packages[*]}; elsewhere, install the same programs your system's way"
    fi
    install "${packages[@]}"
    stop_servers "${packages[@]}"
    [ -z "$(missing)" ] || die "still missing after the installation: $(missing | paste -sd' ')"
fi
engine_answers || start_engine
