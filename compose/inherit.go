package compose

import (
	"strings"

	"github.com/docker/docker/api/types/mount"
)

// inherit hands the anonymous volumes of the container that is replaced on to its successor, as Compose does: the
// data of a database without a named volume survives a changed setting. What others lent to it, they lend to the
// successor too.
func (b *blueprint) inherit(old found, lent map[string]bool) {
	taken := b.targets()
	for _, m := range old.mounts {
		if m.Type == mount.TypeVolume && len(m.Name) == 64 && !taken[m.Destination] && !lent[m.Name] {
			b.Host.Binds = append(b.Host.Binds, m.Name+":"+m.Destination+":rw")
		}
	}
}

// targets are the paths where the blueprint mounts something that has a name.
func (b *blueprint) targets() map[string]bool {
	set := map[string]bool{}
	for _, bind := range b.Host.Binds {
		if fields := strings.Split(bind, ":"); len(fields) > 1 {
			set[fields[1]] = true
		}
	}
	for _, m := range b.Host.Mounts {
		set[m.Target] = true
	}
	for target := range b.Host.Tmpfs {
		set[target] = true
	}
	return set
}
