#!/usr/bin/env bash
# Removes everything that the demo made: processes, containers, networks, volumes, images and .verdigris. Images that
# were pulled stay, and so does Docker's build cache, which cannot be told apart; with KEEP_IMAGES=1 the stand-ins
# stay too, which take the longest to make.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

# remove runs a docker command on the names that come in, if any do.
remove() {
    local names
    mapfile -t names
    if [ ${#names[@]} -gt 0 ]; then docker "$@" "${names[@]}" >/dev/null; fi
}

# of_gallery lists what carries the label of one of the demo's projects.
of_gallery() {
    local slice
    for slice in shared blue green staging; do
        docker "$@" -q --filter "label=com.docker.compose.project=gallery-$slice"
    done
}

named() { docker image ls --format '{{.Repository}}:{{.Tag}}' --filter "reference=$1"; }

remove_stand_ins() {
    named 'verdigris-local/*' | while read -r image; do
        docker image rm "$image" >/dev/null 2>&1 || say "kept $image: another container uses it"
    done
    forget '=verdigris-local/'
}

# forget takes lines out of .env, and .env away with the last one.
forget() {
    if [ ! -f "$env_file" ]; then return; fi
    sed -i "\\:$1:d" "$env_file"
    [ -s "$env_file" ] || rm -f "$env_file"
}

say "stopping verdigris serve"
stop_serve
say "removing containers, networks and volumes"
gallery_containers | remove rm -f -v
of_gallery network ls | remove network rm
of_gallery volume ls | remove volume rm
say "removing images"
docker image ls -q --filter label=verdigris.app=gallery | sort -u | remove image rm -f
named gallery | remove image rm -f
named verdigris | remove image rm -f
docker image prune -f --filter label=verdigris.build >/dev/null
forget '^\(VERDIGRIS_UID\|DOCKER_GID\)='
if [ "${KEEP_IMAGES:-}" != 1 ]; then remove_stand_ins; fi
rm -rf .verdigris .current-env .previous-env
say "nothing of the demo is left, save what Docker's build cache has (docker builder prune empties it)"
