package compose

import (
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	cdi "tags.cncf.io/container-device-interface/pkg/parser"
)

// deviceAttributes give the container devices of the machine. The requests to the drivers stand in the order of Compose.
var deviceAttributes = []attribute{
	{name: "device_cgroup_rules", apply: mapDeviceRules},
	{name: "deploy.resources.reservations.devices", parts: requestParts, apply: mapReservedDevices},
	{name: "devices", parts: "source target permissions", apply: mapDevices, values: "paths; names of the Container Device Interface need Docker API 1.44"},
	{name: "gpus", parts: requestParts, apply: mapGPUs},
}

const requestParts = "capabilities driver count device_ids options"

func mapDeviceRules(b *blueprint, s types.ServiceConfig) error {
	b.Host.DeviceCgroupRules = s.DeviceCgroupRules
	return nil
}

// mapDevices maps paths; a name of the Container Device Interface, such as vendor.com/gpu=all, is a request to its driver.
func mapDevices(b *blueprint, s types.ServiceConfig) error {
	var names []string
	for _, d := range s.Devices {
		if d.Source == d.Target && cdi.IsQualifiedName(d.Source) {
			if err := b.needs("1.44", s, "devices", d.Source); err != nil {
				return err
			}
			names = append(names, d.Source)
			continue
		}
		b.Host.Devices = append(b.Host.Devices, container.DeviceMapping{
			PathOnHost: d.Source, PathInContainer: d.Target, CgroupPermissions: d.Permissions,
		})
	}
	if names != nil {
		b.Host.DeviceRequests = append(b.Host.DeviceRequests, container.DeviceRequest{Driver: "cdi", DeviceIDs: names})
	}
	return nil
}

func mapReservedDevices(b *blueprint, s types.ServiceConfig) error {
	if s.Deploy == nil || s.Deploy.Resources.Reservations == nil {
		return nil
	}
	for _, d := range s.Deploy.Resources.Reservations.Devices {
		b.request(d, d.Capabilities)
	}
	return nil
}

func mapGPUs(b *blueprint, s types.ServiceConfig) error {
	for _, d := range s.Gpus {
		b.request(d, append(slices.Clone(d.Capabilities), "gpu"))
	}
	return nil
}

// request asks a device driver of the Engine for devices that can do all of that.
func (b *blueprint) request(d types.DeviceRequest, capabilities []string) {
	b.Host.DeviceRequests = append(b.Host.DeviceRequests, container.DeviceRequest{
		Driver: d.Driver, Count: int(d.Count), DeviceIDs: d.IDs, Capabilities: [][]string{capabilities}, Options: d.Options,
	})
}
