package compose

import (
	"fmt"
	"maps"
	"slices"

	"verdigris/deploy"
)

// planNetworks notes the networks to create and refuses those that are not as the files want them.
func (pl *plan) planNetworks(seen observation) error {
	p := pl.project
	for _, key := range slices.Sorted(maps.Keys(p.Networks)) {
		n := p.Networks[key]
		labels, exists := seen.networks[n.Name]
		switch {
		case bool(n.External) && !exists:
			return &deploy.HintedError{
				Err:  fmt.Errorf("network %s does not exist, and the compose files call it external", n.Name),
				Next: "start the shared services (verdigris up) or create it: docker network create " + n.Name,
			}
		case bool(n.External):
		case !exists:
			pl.networks = append(pl.networks, key)
		case labels[labelProject] != p.Name:
			return &deploy.HintedError{
				Err:  fmt.Errorf("network %s exists and does not belong to project %s", n.Name, p.Name),
				Next: "give it another name in the compose file, or call it external",
			}
		case labels[labelHash] != "" && labels[labelHash] != p.networkOptions(key).Labels[labelHash]:
			return &deploy.HintedError{
				Err:  fmt.Errorf("the settings of network %s changed, and a network in use cannot be changed", n.Name),
				Next: fmt.Sprintf("stop what uses it (project %s) and try again", p.Name),
			}
		}
	}
	return nil
}

// planVolumes does the same with the volumes. One that somebody else made is used as it is.
func (pl *plan) planVolumes(seen observation) error {
	p := pl.project
	for _, key := range slices.Sorted(maps.Keys(p.Volumes)) {
		v := p.Volumes[key]
		labels, exists := seen.volumes[v.Name]
		switch {
		case bool(v.External) && !exists:
			return &deploy.HintedError{
				Err:  fmt.Errorf("volume %s does not exist, and the compose files call it external", v.Name),
				Next: "create it: docker volume create " + v.Name,
			}
		case bool(v.External):
		case !exists:
			pl.volumes = append(pl.volumes, key)
		case labels[labelProject] != p.Name:
			pl.notes = append(pl.notes, fmt.Sprintf("note: volume %s was not made for project %s and is used as it is", v.Name, p.Name))
		}
	}
	return nil
}
