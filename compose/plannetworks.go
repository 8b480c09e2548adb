package compose

import (
	"fmt"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
)

// planNetworks notes the networks to create and refuses those that are not as the files want them.
func (pl *plan) planNetworks(seen observation) error {
	for _, key := range pl.project.networksInUse() {
		if err := pl.planNetwork(key, seen); err != nil {
			return err
		}
	}
	return nil
}

func (pl *plan) planNetwork(key string, seen observation) error {
	p, n := pl.project, pl.project.Networks[key]
	if n.External {
		return seen.checkExternal(n)
	}
	same := seen.networksNamed(n.Name)
	switch {
	case len(same) == 0:
		pl.networks = append(pl.networks, key)
	case len(same) > 1:
		return ambiguous(n.Name)
	case same[0].labels[labelProject] != p.Name:
		return &deploy.HintedError{
			Err:  fmt.Errorf("network %s exists and does not belong to project %s", n.Name, p.Name),
			Next: "give it another name in the compose file, or call it external",
		}
	case same[0].labels[labelHash] != "" && same[0].labels[labelHash] != p.networkOptions(key).Labels[labelHash]:
		return &deploy.HintedError{
			Err:  fmt.Errorf("the settings of network %s changed, and a network in use cannot be changed", n.Name),
			Next: fmt.Sprintf("stop what uses it (project %s) and try again", p.Name),
		}
	}
	return nil
}

// networksNamed are the networks of that name; older engines let several have one.
func (o observation) networksNamed(name string) []foundNetwork {
	var same []foundNetwork
	for _, n := range o.networks {
		if n.name == name {
			same = append(same, n)
		}
	}
	return same
}

// checkExternal wants exactly one network, by its name or its whole id.
func (o observation) checkExternal(n types.NetworkConfig) error {
	switch same := o.networksNamed(n.Name); {
	case slices.Contains([]string{"bridge", "host", "none"}, n.Name):
		return &deploy.HintedError{
			Err:  fmt.Errorf("network %s is the engine's own, and a container in it can have no other network and no alias", n.Name),
			Next: "write network_mode: " + n.Name + " in the service",
		}
	case len(same) > 1:
		return ambiguous(n.Name)
	case len(same) == 0 && !slices.ContainsFunc(o.networks, func(f foundNetwork) bool { return f.id == n.Name }):
		return &deploy.HintedError{
			Err:  fmt.Errorf("network %s does not exist, and the compose files call it external", n.Name),
			Next: "start the shared services (verdigris up) or create it: docker network create " + n.Name,
		}
	}
	return nil
}

func ambiguous(name string) error {
	return &deploy.HintedError{
		Err:  fmt.Errorf("several networks have the name %s", name),
		Next: "remove the ones that nobody uses (docker network ls --filter name=" + name + ", docker network rm ID), or give the id of an external one as its name",
	}
}
