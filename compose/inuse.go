package compose

import (
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// Like Docker Compose, a plan leaves out the networks and volumes that no service of an active profile uses.

// networksInUse are the keys of the networks that services join, sorted, without those that are left to Attach.
func (p *project) networksInUse() []string {
	keys := map[string]bool{}
	for _, s := range p.Services {
		for key := range s.Networks {
			if !p.leftToAttach(s, key) {
				keys[key] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// volumesInUse are the keys of the volumes that services and their pre_start hooks mount, sorted.
func (p *project) volumesInUse() []string {
	keys := map[string]bool{}
	for _, s := range p.Services {
		mounts := slices.Clone(s.Volumes)
		for _, hook := range s.PreStart {
			mounts = append(mounts, hook.Volumes...)
		}
		for _, m := range mounts {
			if m.Type == types.VolumeTypeVolume && m.Source != "" {
				keys[m.Source] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}
