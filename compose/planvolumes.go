package compose

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	"github.com/docker/docker/api/types/volume"

	"verdigris/deploy"
)

// planVolumes notes the volumes to create. One that somebody else made is used as it is. One whose settings changed is
// refused: Compose offers to make it anew, without its data.
func (pl *plan) planVolumes(seen observation) error {
	p := pl.project
	for _, key := range p.volumesInUse() {
		v := p.Volumes[key]
		have, exists := seen.volumes[v.Name]
		switch {
		case bool(v.External) && !exists:
			return &deploy.HintedError{
				Err:  fmt.Errorf("volume %s does not exist, and the compose files call it external", v.Name),
				Next: "create it: docker volume create " + v.Name,
			}
		case bool(v.External):
		case !exists:
			pl.volumes = append(pl.volumes, key)
		case have.Labels[labelProject] != p.Name:
			pl.notes = append(pl.notes, fmt.Sprintf("note: volume %s was not made for project %s and is used as it is", v.Name, p.Name))
		default:
			if err := pl.compareVolume(key, have); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareVolume refuses a volume that would have to be made anew to be as the files want it. Changed labels cost no data:
// they are told, and the volume stays as it is.
func (pl *plan) compareVolume(key string, have volume.Volume) error {
	want := pl.project.volumeOptions(key)
	var changed []string
	if strings.TrimSuffix(cmp.Or(want.Driver, "local"), ":latest") != strings.TrimSuffix(have.Driver, ":latest") {
		changed = append(changed, "driver")
	}
	if !maps.Equal(want.DriverOpts, have.Options) {
		changed = append(changed, "driver_opts")
	}
	if len(changed) > 0 {
		return &deploy.HintedError{
			Err: fmt.Errorf("volume %s: %s changed, and a volume cannot be changed without losing its data (%s)",
				have.Name, strings.Join(changed, " and "), pl.project.whereIs("volume", key, changed[0])),
			Next: fmt.Sprintf("take the change back, or give the volume another name and move the data; without need of the data: docker volume rm %s", have.Name),
		}
	}
	if want.Labels[labelHash] != have.Labels[labelHash] && !maps.Equal(userLabels(want.Labels), userLabels(have.Labels)) {
		pl.notes = append(pl.notes, fmt.Sprintf("note: the labels of volume %s changed; it keeps the old ones, since only a new volume could have others", have.Name))
	}
	return nil
}

// userLabels leaves out those of Compose and of verdigris.
func userLabels(labels map[string]string) map[string]string {
	out := maps.Clone(labels)
	maps.DeleteFunc(out, func(name, _ string) bool {
		return strings.HasPrefix(name, "com.docker.compose.") || strings.HasPrefix(name, "verdigris.")
	})
	return out
}
