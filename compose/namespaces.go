package compose

import (
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
)

// namespaceAttributes say what the container shares with the machine or with another container. What names another
// service is put in the engine's terms by resolve, since a namespace has the id of one container.
var namespaceAttributes = []attribute{
	{name: "network_mode", apply: mapNetworkMode},
	{name: "pid ipc uts userns_mode cgroup", apply: mapNamespaces},
	{name: "volumes_from", apply: mapVolumesFrom},
}

func mapNetworkMode(b *blueprint, s types.ServiceConfig) error {
	if s.NetworkMode == "" {
		return nil
	}
	if strings.HasPrefix(s.NetworkMode, types.ServicePrefix) || strings.HasPrefix(s.NetworkMode, types.ContainerPrefix) {
		if key := ofItsOwn(s); key != "" {
			return b.refuse(s, key, "together with network_mode: "+s.NetworkMode, "it belongs to a network of its own")
		}
	}
	b.Host.NetworkMode = container.NetworkMode(s.NetworkMode)
	b.Config.NetworkDisabled = s.NetworkMode == "disabled"
	return nil
}

// ofItsOwn names a key that belongs to a network of one's own; the engine refuses it beside another container's.
func ofItsOwn(s types.ServiceConfig) string {
	keys := map[string]bool{
		"hostname": s.Hostname != "", "ports": len(s.Ports) > 0, "expose": len(s.Expose) > 0, "dns": len(s.DNS) > 0,
		"extra_hosts": len(s.ExtraHosts) > 0, "links": len(s.Links)+len(s.ExternalLinks) > 0, "mac_address": s.MacAddress != "",
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if keys[key] {
			return key
		}
	}
	return ""
}

// mapNamespaces refuses what no engine can do: it shares the process ids and the memory of a container alone.
func mapNamespaces(b *blueprint, s types.ServiceConfig) error {
	if s.Uts != "" && s.Uts != "host" {
		return b.refuse(s, "uts", s.Uts, "the one mode is host")
	}
	if s.Cgroup != "" && s.Cgroup != "host" && s.Cgroup != "private" {
		return b.refuse(s, "cgroup", s.Cgroup, "the modes are host and private")
	}
	b.Host.PidMode = container.PidMode(s.Pid)
	b.Host.IpcMode = container.IpcMode(s.Ipc)
	b.Host.UTSMode = container.UTSMode(s.Uts)
	b.Host.UsernsMode = container.UsernsMode(s.UserNSMode)
	b.Host.CgroupnsMode = container.CgroupnsMode(s.Cgroup)
	return nil
}

// mapVolumesFrom has each entry as service[:mode] or container:name[:mode].
func mapVolumesFrom(b *blueprint, s types.ServiceConfig) error {
	b.Host.VolumesFrom = nil
	for _, entry := range s.VolumesFrom {
		b.Host.VolumesFrom = append(b.Host.VolumesFrom, strings.TrimPrefix(entry, types.ContainerPrefix))
	}
	return nil
}
