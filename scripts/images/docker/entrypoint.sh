#!/bin/sh
# Runs a Docker Engine in a container that may administer the system.
set -eu

# A container that is not privileged has its cgroups read-only.
awk '$2 ~ "^/sys/fs/cgroup" && $4 ~ "^ro(,|$)" { print $2 }' /proc/mounts | while read -r mounted; do
    mount -o remount,bind,rw "$mounted"
done

# In cgroup v2 a group with processes of its own cannot hand controllers down: the processes move into a child first.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p /sys/fs/cgroup/engine
    while read -r pid; do
        echo "$pid" >/sys/fs/cgroup/engine/cgroup.procs 2>/dev/null || true   # it may have ended
    done </sys/fs/cgroup/cgroup.procs
    sed -e 's/ / +/g' -e 's/^/+/' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
fi

# On a network without IPv6 a container has not even the loopback address of it, which the tests publish ports on.
loopback=/proc/sys/net/ipv6/conf/lo/disable_ipv6
if [ -f $loopback ]; then echo 0 >$loopback; fi

# Packets must fit through the network that the container itself is on.
exec dockerd --mtu "$(cat /sys/class/net/eth0/mtu)" "$@"
