package compose

import (
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

// networkOptions maps one network of the project.
func (p *project) networkOptions(key string) network.CreateOptions {
	n := p.Networks[key]
	options := network.CreateOptions{
		Driver:     n.Driver,
		EnableIPv4: n.EnableIPv4,
		EnableIPv6: n.EnableIPv6,
		IPAM:       ipam(n.Ipam),
		Internal:   n.Internal,
		Attachable: n.Attachable,
		Options:    n.DriverOpts,
	}
	if options.Driver == "" {
		options.Driver = "bridge"
	}
	options.Labels = p.resourceLabels(labelNetwork, key, n.Labels)
	options.Labels[labelHash] = networkHash(n)
	return options
}

func ipam(c types.IPAMConfig) *network.IPAM {
	if c.Driver == "" && len(c.Config) == 0 && len(c.Options) == 0 {
		return nil
	}
	out := &network.IPAM{Driver: c.Driver, Options: c.Options}
	if out.Driver == "" {
		out.Driver = "default"
	}
	for _, pool := range c.Config {
		out.Config = append(out.Config, network.IPAMConfig{
			Subnet: pool.Subnet, Gateway: pool.Gateway, IPRange: pool.IPRange, AuxAddress: pool.AuxiliaryAddresses,
		})
	}
	return out
}

// volumeOptions maps one volume of the project.
func (p *project) volumeOptions(key string) volume.CreateOptions {
	v := p.Volumes[key]
	options := volume.CreateOptions{
		Name:       v.Name,
		Driver:     v.Driver,
		DriverOpts: v.DriverOpts,
		Labels:     p.resourceLabels(labelVolume, key, v.Labels),
	}
	options.Labels[labelHash] = volumeHash(v)
	return options
}
