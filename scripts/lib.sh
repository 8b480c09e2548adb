# Shared by the scripts beside it; source it, do not run it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
env_file=${ENV_FILE:-$root/.env}
# A script that runs others shares its beginning with them, so that their lines count the same seconds.
export VERDIGRIS_STARTED=${VERDIGRIS_STARTED:-${EPOCHREALTIME/,/.}}

# The classic builder serves where the docker command has no BuildKit component.
if ! docker buildx version >/dev/null 2>&1; then export DOCKER_BUILDKIT=0; fi

# seconds since the script began, e.g. 12.3
elapsed() { LC_ALL=C awk -v a="$VERDIGRIS_STARTED" -v b="${EPOCHREALTIME/,/.}" 'BEGIN { printf "%.1f", b - a }'; }

# say prints one line of progress with the seconds so far.
say() { printf '%6ss  %s\n' "$(elapsed)" "$*"; }

# die says what failed and why, with the next step where there is one, and ends the script.
die() {
    printf 'error: %s\n' "$1" >&2
    if [ $# -gt 1 ]; then printf '       %s\n' "${@:2}" >&2; fi
    exit 1
}

# have tells whether all the commands exist.
have() { command -v "$@" >/dev/null 2>&1; }

# env_get prints the value of a variable in .env; nothing where it is not set.
env_get() { sed -n "s/^$1=//p" "$env_file" 2>/dev/null | tail -n 1; }

# env_set gives a variable in .env a value and leaves every other line as it is.
env_set() {
    local kept=''
    if [ -f "$env_file" ]; then kept=$(grep -v "^$1=" "$env_file" || true); fi
    printf '%s%s=%s\n' "${kept:+$kept
}" "$1" "$2" >"$env_file.new"
    mv "$env_file.new" "$env_file"
}

# The demo's own git repository, and git in it, as somebody whom no configuration has to name.
demo=$root/.verdigris/demo
gallery=$demo/gallery
gallery_git() { git -C "$gallery" -c user.name='The demo' -c user.email=demo@example.com -c commit.gpgsign=false "$@"; }

# gallery_containers lists the containers of the demo, of all slices and of what they share.
gallery_containers() {
    local slice
    for slice in shared blue green staging; do
        docker ps -aq --filter "label=com.docker.compose.project=gallery-$slice"
    done
}

# serve_pid prints the process id of the demo's `verdigris serve`; it fails where none runs.
serve_pid() {
    local pid
    pid=$(cat "$root/.verdigris/serve.pid" 2>/dev/null) || return 1
    # After a restart of the machine the number may be somebody else's.
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q 'verdigris serve' || return 1
    printf '%s\n' "$pid"
}

# stop_serve ends it and waits until it is gone.
stop_serve() {
    local pid
    pid=$(serve_pid) || return 0
    kill "$pid"
    # kill -0 would also wait for whoever reaps it.
    for _ in $(seq 600); do
        serve_pid >/dev/null || return 0
        sleep 0.05
    done
    die "verdigris serve (process $pid) does not end" "look at .verdigris/serve.log"
}
