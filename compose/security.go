package compose

import (
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/strslice"
)

// securityAttributes say what the container may do.
var securityAttributes = []attribute{
	{name: "cap_add cap_drop privileged read_only group_add", apply: mapPrivileges},
	{name: "security_opt", apply: mapSecurityOpt},
	{name: "devices", parts: "source target permissions", apply: mapDevices},
	{name: "device_cgroup_rules sysctls runtime cgroup_parent", apply: mapKernel},
}

func mapPrivileges(b *blueprint, s types.ServiceConfig) error {
	b.Host.CapAdd = strslice.StrSlice(s.CapAdd)
	b.Host.CapDrop = strslice.StrSlice(s.CapDrop)
	b.Host.Privileged = s.Privileged
	b.Host.ReadonlyRootfs = s.ReadOnly
	b.Host.GroupAdd = s.GroupAdd
	return nil
}

// mapSecurityOpt passes the options on. A seccomp profile from a file would have to be read here; it is refused.
func mapSecurityOpt(b *blueprint, s types.ServiceConfig) error {
	for _, option := range s.SecurityOpt {
		option = strings.Replace(option, ":", "=", 1)
		if profile, ok := strings.CutPrefix(option, "seccomp="); ok && profile != "unconfined" {
			return unsupported(s, "security_opt: a seccomp profile from a file")
		}
		b.Host.SecurityOpt = append(b.Host.SecurityOpt, option)
	}
	return nil
}

func mapDevices(b *blueprint, s types.ServiceConfig) error {
	for _, d := range s.Devices {
		if d.Source == d.Target && !strings.HasPrefix(d.Source, "/") {
			return unsupported(s, "devices: "+d.Source)
		}
		b.Host.Devices = append(b.Host.Devices, container.DeviceMapping{
			PathOnHost: d.Source, PathInContainer: d.Target, CgroupPermissions: d.Permissions,
		})
	}
	return nil
}

func mapKernel(b *blueprint, s types.ServiceConfig) error {
	b.Host.DeviceCgroupRules = s.DeviceCgroupRules
	b.Host.Sysctls = s.Sysctls
	b.Host.Runtime = s.Runtime
	b.Host.CgroupParent = s.CgroupParent
	return nil
}
