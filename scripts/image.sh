#!/usr/bin/env bash
# Builds the verdigris image from the files of this directory and their vendored modules, and notes in .env as whom
# the container is to run: as the owner of this directory, in the group of Docker's socket.
#
# usage: scripts/image.sh [tag]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

tag=${1:-verdigris:latest}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go mod vendor -o "$work/vendor"
# The context is streamed: the tracked and the new files, and the modules from beside them.
git ls-files -z --cached --others --exclude-standard -- . ':!docs' ':!examples' ':!test' ':!*_test.go' |
    tar -c --null --ignore-failed-read -T - -C "$work" vendor |
    docker build -q --force-rm -t "$tag" \
        --build-arg "GO_IMAGE=$(env_get GO_IMAGE)" \
        --build-arg "BASE_IMAGE=$(env_get BASE_IMAGE)" \
        --build-arg "VERSION=$(git describe --tags --always --dirty 2>/dev/null || echo unknown)" -

# The classic builder leaves the stage that compiled behind. The newest is the next build's cache; old ones go.
docker image prune -f --filter label=verdigris.build=controller --filter until=24h >/dev/null

# Another owner than the one .env names would leave files in the state directory that the owner cannot change.
env_set VERDIGRIS_UID "$(id -u)"
env_set DOCKER_GID "$(stat -c %g /var/run/docker.sock)"
say "built $tag, $(docker image inspect -f '{{.Size}}' "$tag" | awk '{ printf "%.0f MB", $1 / 1e6 }')"
