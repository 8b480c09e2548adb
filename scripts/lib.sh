# Shared by the scripts beside it; source it, do not run it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
env_file=${ENV_FILE:-$root/.env}
started=$EPOCHREALTIME

# The classic builder serves where the docker command has no BuildKit component.
if ! docker buildx version >/dev/null 2>&1; then export DOCKER_BUILDKIT=0; fi

# seconds since the script began, e.g. 12.3
elapsed() { awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

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
