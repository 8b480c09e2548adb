package compose

import (
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/mount"
)

// inherit hands on to the successor what the replaced container has where the image declares a volume or the file wants
// one without a name, as Compose does: the data of a database without a named volume survives a changed setting. What others
// lent to it, they lend to the successor too.
func (b *blueprint) inherit(old found, s types.ServiceConfig, img image, lent map[string]bool) {
	for _, m := range old.mounts {
		wanted := img.volumes[m.Destination] || anonymous(s, m.Destination)
		if m.Type == mount.TypeTmpfs || lent[m.Name] || !wanted || b.named(m.Destination) {
			continue
		}
		source := m.Source
		if m.Type == mount.TypeVolume {
			source = m.Name
		}
		b.setMount(mount.Mount{Type: m.Type, Source: source, Target: m.Destination, ReadOnly: !m.RW})
	}
}

// anonymous tells whether the file wants a volume without a name at that path.
func anonymous(s types.ServiceConfig, target string) bool {
	for _, v := range s.Volumes {
		if v.Target == target && v.Source == "" {
			return v.Type == types.VolumeTypeVolume
		}
	}
	return false
}

// named tells whether the blueprint mounts something of its own at that path.
func (b *blueprint) named(target string) bool {
	for _, bind := range b.Host.Binds {
		if fields := strings.Split(bind, ":"); len(fields) > 1 && fields[1] == target {
			return true
		}
	}
	for _, m := range b.Host.Mounts {
		if m.Target == target && (m.Source != "" || m.Type != mount.TypeVolume) {
			return true
		}
	}
	_, ok := b.Host.Tmpfs[target]
	return ok
}

// setMount takes the place of what is mounted at the same path.
func (b *blueprint) setMount(m mount.Mount) {
	for i := range b.Host.Mounts {
		if b.Host.Mounts[i].Target == m.Target {
			b.Host.Mounts[i] = m
			return
		}
	}
	b.Host.Mounts = append(b.Host.Mounts, m)
}
