#!/bin/sh
# Behaves like the official image's entry point: options alone start the server, it does not run as root, and
# it answers other containers although no password is set.
set -e
server=$SERVER-server

case ${1:-} in
'') set -- "$server" ;;
-* | *.conf) set -- "$server" "$@" ;;
esac

if [ "$1" = "$server" ]; then
    case " $* " in
    *protected-mode*) ;;
    *) set -- "$@" --protected-mode no ;;
    esac
    if [ "$(id -u)" = 0 ]; then
        chown "$SERVER" .
        exec setpriv --reuid "$SERVER" --regid "$SERVER" --clear-groups "$@"
    fi
fi
exec "$@"
