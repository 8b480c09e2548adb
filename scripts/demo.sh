#!/usr/bin/env bash
# The whole way on this machine: an example application goes live, gets some pictures, and a signed push brings
# its next release live without losing one. Everything keeps running; a second run pushes one release more.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

site=http://localhost:8080
pictures=5

# one_demo fails where the demo of another clone is there: both would want the same names and ports.
one_demo() {
    local other
    other=$(docker ps -a --filter label=com.docker.compose.project=gallery-shared \
        --format '{{.Label "com.docker.compose.project.working_dir"}}' | grep -vxF "$root" | head -n 1) || return 0
    die "the demo of another folder is there: $other" "remove it: make -C $other demo-down"
}

# free_ports fails where somebody else has a port that the demo needs.
free_ports() {
    if [ -n "$(gallery_containers)" ] || serve_pid >/dev/null; then return; fi
    local port
    for port in 8080 9000 9090 5060 6379 6380; do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            die "port $port is taken by another program" "stop it and run make demo again; ss -ltnp 'sport = :$port' names it"
        fi
    done
}

# make_repository makes a git repository of the example application, its compose files and its modules.
make_repository() {
    if [ -d "$gallery/.git" ] && gallery_git rev-parse -q --verify HEAD >/dev/null; then return; fi
    rm -rf "$gallery"
    mkdir -p "$gallery/examples"
    cp docker-compose.{blue,green,staging}.yml "$gallery"
    cp -r examples/gallery "$gallery/examples"
    (cd "$gallery/examples/gallery" && go mod vendor)
    gallery_git init -q -b main
    gallery_git add -A -f
    gallery_git commit -q -m "Open the gallery"
}

# build_all builds verdigris, and draws the pictures with a program that is built with the same flags, so that nothing
# is compiled twice.
build_all() {
    make --no-print-directory -s build
    CGO_ENABLED=0 go run -trimpath ./scripts/picture "$demo" $pictures
}

make_secret() {
    if [ -s "$demo/github-secret" ]; then return; fi
    (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$demo/github-secret")
}

start_serve() {
    stop_serve
    setsid nohup bin/verdigris serve >>.verdigris/serve.log 2>&1 </dev/null &
    echo $! >.verdigris/serve.pid
    for _ in $(seq 200); do
        if bin/verdigris status >/dev/null 2>&1; then return; fi
        serve_pid >/dev/null || break
        sleep 0.1
    done
    tail -n 20 .verdigris/serve.log >&2
    die "verdigris serve did not come up" "the lines above are the end of .verdigris/serve.log"
}

live_slice() { bin/verdigris status --json | grep -o '"live": *"[a-z]*"' | head -n 1 | cut -d'"' -f4; }

# hello asks a port of the gallery who answers there.
hello() { curl -fsS --max-time 5 "http://localhost:$1/"; }

count_images() { hello 8080 | sed -n 's/.*, \([0-9]*\) images.*/\1/p'; }

port_of() { if [ "$1" = blue ]; then echo 9090; else echo 5060; fi; }

say "looking for Docker and tools"
scripts/tools.sh demo
one_demo
free_ports
mkdir -p "$demo"
make_secret

say "getting images, building verdigris, making a git repository of examples/gallery"
set -m   # each job gets a process group of its own
scripts/images.sh &
images=$!
build_all &
build=$!
make_repository &
repository=$!
set +m
# When one of them fails, or Ctrl-C ends the script, the others end as well.
trap 'kill -- -$images -$build -$repository 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
for job in $images $build $repository; do wait "$job"; done
trap - EXIT INT TERM

say "starting the shared services: edge, router, redis-blue, redis-green"
bin/verdigris up
say "starting verdigris serve (its log: .verdigris/serve.log)"
start_serve

if [ -z "$(live_slice)" ]; then
    say "first release: deploying it to blue and sending the traffic there"
    bin/verdigris deploy blue --switch
elif ! hello 8080 >/dev/null 2>&1; then
    say "$(live_slice) does not answer any more: deploying to the other slice"
    bin/verdigris deploy auto --switch
fi
old=$(live_slice)
say "$old is live on $site"

say "hanging up $pictures pictures through $site/upload"
for picture in "$demo"/cat-*.png; do
    curl -fsS --max-time 10 --data-binary "@$picture" -H 'Content-Type: image/png' "$site/upload" >/dev/null
done
before=$(count_images)

say "a commit that can be seen, delivered the way GitHub does it"
scripts/demo-push.sh

new=$(live_slice)
after=$(count_images)
[ "$new" != "$old" ] || die "the push did not move the traffic" "bin/verdigris history says why"
[ "$after" = "$before" ] || die "$before pictures before the push, $after after it" "bin/verdigris history says what was copied"

say "done: $new is live with all $after pictures"
cat <<END

  $site          $(hello 8080 | head -n 1)
  http://localhost:$(port_of "$old")          $(hello "$(port_of "$old")" | head -n 1)

  go back                bin/verdigris rollback
  move the traffic       bin/verdigris switch
  push the next commit   scripts/demo-push.sh
  what is running        bin/verdigris status
  what happened          bin/verdigris history
  what the app prints    bin/verdigris logs --follow
  stop and remove all    make demo-down

END
