package compose

import (
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/mount"
)

// mountAttributes say which files of others the container sees.
var mountAttributes = []attribute{
	{
		name:  "volumes",
		parts: "type source target read_only consistency bind.selinux bind.propagation bind.create_host_path volume.nocopy tmpfs.size tmpfs.mode",
		apply: mapVolumes,
	},
	{name: "tmpfs", apply: mapTmpfs},
}

func mapVolumes(b *blueprint, s types.ServiceConfig) error {
	for _, v := range s.Volumes {
		switch v.Type {
		case types.VolumeTypeBind:
			b.bind(v)
		case types.VolumeTypeVolume:
			b.volume(v)
		case types.VolumeTypeTmpfs:
			b.mountTmpfs(v)
		default:
			return unsupported(s, "volumes.type: "+v.Type)
		}
	}
	return nil
}

// bind uses the older form where a missing source is to be created, since the engine does that in this form alone.
func (b *blueprint) bind(v types.ServiceVolumeConfig) {
	if v.Bind != nil && !bool(v.Bind.CreateHostPath) {
		m := mount.Mount{Type: mount.TypeBind, Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly}
		if v.Bind.Propagation != "" {
			m.BindOptions = &mount.BindOptions{Propagation: mount.Propagation(v.Bind.Propagation)}
		}
		b.Host.Mounts = append(b.Host.Mounts, m)
		return
	}
	modes := access(v)
	if v.Bind != nil {
		modes = append(modes, words(v.Bind.SELinux, v.Bind.Propagation)...)
	}
	b.Host.Binds = append(b.Host.Binds, v.Source+":"+v.Target+":"+strings.Join(append(modes, words(v.Consistency)...), ","))
}

func (b *blueprint) volume(v types.ServiceVolumeConfig) {
	if v.Source == "" {
		if b.Config.Volumes == nil {
			b.Config.Volumes = map[string]struct{}{}
		}
		b.Config.Volumes[v.Target] = struct{}{}
		return
	}
	modes := access(v)
	if v.Volume != nil && v.Volume.NoCopy {
		modes = append(modes, "nocopy")
	}
	b.Host.Binds = append(b.Host.Binds, b.project.Volumes[v.Source].Name+":"+v.Target+":"+strings.Join(modes, ","))
}

func (b *blueprint) mountTmpfs(v types.ServiceVolumeConfig) {
	m := mount.Mount{Type: mount.TypeTmpfs, Target: v.Target, ReadOnly: v.ReadOnly}
	if v.Tmpfs != nil {
		m.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: int64(v.Tmpfs.Size), Mode: os.FileMode(v.Tmpfs.Mode)}
	}
	b.Host.Mounts = append(b.Host.Mounts, m)
}

func access(v types.ServiceVolumeConfig) []string {
	if v.ReadOnly {
		return []string{"ro"}
	}
	return []string{"rw"}
}

// words leaves out the empty ones.
func words(list ...string) []string {
	var out []string
	for _, w := range list {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

func mapTmpfs(b *blueprint, s types.ServiceConfig) error {
	for _, t := range s.Tmpfs {
		target, options, _ := strings.Cut(t, ":")
		if b.Host.Tmpfs == nil {
			b.Host.Tmpfs = map[string]string{}
		}
		b.Host.Tmpfs[target] = options
	}
	return nil
}
