#!/usr/bin/env bash
# Sees to it that the images which the compose files and Dockerfiles name can be used, and writes their names to
# .env. Images that are there are taken as they are; missing ones are pulled; where no registry answers, stand-ins
# are built from Debian packages and from this machine's own Go. The second run does nothing.
#
# usage: scripts/images.sh [--tests]
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# One line for each image: variable, usual name, stand-in. The last ones are for the tests alone.
table='
NGINX_IMAGE nginx:1.28         nginx
REDIS_IMAGE redis:8            redis
GO_IMAGE    golang:1.26        golang
BASE_IMAGE  debian:trixie-slim debian'
if [ "${1:-}" = --tests ]; then table+='
VALKEY_IMAGE  valkey/valkey:8 valkey
COMPOSE_IMAGE docker:28-cli   compose'; fi

prefix=verdigris-local
contexts=$(cd "$(dirname "$0")/images" && pwd)

present() { docker image inspect "$1" >/dev/null 2>&1; }

# choose prints the image to use for a line of the table if one is present: the one that .env names, the usual
# one or the stand-in.
choose() {
    local image
    for image in "$(env_get "$1")" "$2" "$prefix/$3"; do
        if [ -n "$image" ] && present "$image"; then
            printf '%s\n' "$image"
            return
        fi
    done
    return 1
}

build_debian() {
    have mmdebstrap || install_mmdebstrap
    mmdebstrap --quiet --variant=apt \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin' \
        trixie - | docker import -c 'CMD ["bash"]' - "$prefix/debian" >/dev/null
}

install_mmdebstrap() {
    if [ "$(id -u)" != 0 ] || ! have apt-get; then
        die "no registry can be reached and mmdebstrap, which would build stand-ins, is not installed" \
            "install mmdebstrap, or set NGINX_IMAGE, REDIS_IMAGE, GO_IMAGE and BASE_IMAGE in .env to images you have"
    fi
    apt-get update -q >/dev/null
    apt-get install -qy --no-install-recommends mmdebstrap debian-archive-keyring >/dev/null
}

build_nginx() { build_server nginx; }
build_redis() { build_server redis; }
build_valkey() { build_server valkey; }

# build_server builds one at a time: the second finds the first one's packages in the build cache.
build_server() {
    (
        if have flock; then flock 8; fi
        docker build -q --force-rm -t "$prefix/$1" --target "$1" "$contexts/servers"
    ) 8>"$work/servers.lock"
}

build_compose() { docker build -q --force-rm -t "$prefix/compose" --target compose "$contexts/docker"; }

# compiled_packages lists the files of the build cache that hold what the example application imports, compiled as its
# Dockerfile does; what the cache lacks is compiled. An entry has two files: what was compiled, and one that names it.
compiled_packages() {
    local cache
    cache=$(go env GOCACHE)
    (cd "$root/examples/gallery" && CGO_ENABLED=0 GOTOOLCHAIN=local go list -trimpath -export -deps -f '{{.Export}}' .) |
        sed -n "s,^$cache/,,p" | sort >"$work/outputs"
    sed 's,.*/,,; s,-d$,,' "$work/outputs" >"$work/ids"
    (cd "$cache" && grep -rlF -f "$work/ids" --include='*-a' .) | cat - "$work/outputs"
}

# The context is streamed, so that the toolchain is not copied on the disk first. What only Go's own tests and a build of
# Go itself need stays out.
build_golang() {
    tar -C "$contexts/golang" -cf - Dockerfile -C "$(go env GOROOT)" \
        --transform 's,^\(VERSION\|go.env\|bin\|lib\|pkg\|src\)\(/\|$\),go/\1\2,' --transform 's,^\(\./\)\?\([0-9a-f][0-9a-f]/\),cache/\2,' \
        --exclude=testdata --exclude='*_test.go' --exclude=src/cmd \
        VERSION go.env bin lib pkg src \
        -C "$(go env GOCACHE)" -T "$work/compiled" |
        docker build -q --force-rm -t "$prefix/golang" -
}

# build makes one stand-in; its output is shown only if it fails.
build() {
    local output
    if ! output=$("build_$1" 2>&1); then
        printf '%s\n' "$output" >&2
        die "build $prefix/$1 failed"
    fi
    say "built $prefix/$1"
}

# ensure_all goes through the table: what is missing is pulled as long as a registry answers, and then built.
ensure_all() {
    local variable usual name registry=yes missing=()
    while read -r variable usual name; do
        [ -n "$variable" ] || continue
        if choose "$variable" "$usual" "$name" >/dev/null; then continue; fi
        if [ $registry = yes ] && timeout "${PULL_TIMEOUT:-300}" docker pull -q "$usual" >/dev/null 2>&1; then
            say "pulled $usual"
            continue
        fi
        registry=no
        missing+=("$name")
    done <<<"$table"
    [ ${#missing[@]} -gt 0 ] || return 0

    say "no registry can be reached: building stand-ins for ${missing[*]}"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    local job jobs=() compiling=
    if [[ " ${missing[*]} " == *" golang "* ]]; then
        compiled_packages >"$work/compiled" &
        compiling=$!
    fi
    if ! present "$prefix/debian"; then
        say "building $prefix/debian from some 140 Debian packages, which takes the longest"
        build debian
    fi
    if [ -n "$compiling" ]; then wait "$compiling" || die "compile what the example application imports failed"; fi
    for name in "${missing[@]}"; do
        if [ "$name" = debian ]; then continue; fi
        build "$name" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job"; done
}

write_env() {
    local variable usual name image
    while read -r variable usual name; do
        [ -n "$variable" ] || continue
        image=$(choose "$variable" "$usual" "$name")
        if [ "$(env_get "$variable")" != "$image" ]; then env_set "$variable" "$image"; fi
    done <<<"$table"
}

docker version >/dev/null 2>&1 || die "no Docker Engine answers" "scripts/tools.sh installs and starts one on Debian and Ubuntu"

# Two runs at the same time would build everything twice.
if have flock; then
    exec 9>"${TMPDIR:-/tmp}/verdigris-images.lock"
    flock 9
fi
ensure_all
write_env
say "images: $(awk '{ print $1 }' <<<"$table" | while read -r v; do [ -z "$v" ] || env_get "$v"; done | paste -sd' ')"
