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
		name:   "volumes",
		parts:  "type source target read_only consistency bind.selinux bind.propagation bind.create_host_path bind.recursive volume.nocopy volume.labels tmpfs.size tmpfs.mode",
		apply:  mapVolumes,
		values: "the types `bind`, `volume`, `tmpfs` and, with Docker API 1.48, `image`; `bind.recursive: writable` and `readonly` need Docker API 1.44",
	},
	{name: "volumes.volume.subpath", since: "1.45"},
	{name: "volumes.image.subpath", since: "1.48"},
	{name: "tmpfs", apply: mapTmpfs},
}

func mapVolumes(b *blueprint, s types.ServiceConfig) error {
	for _, v := range s.Volumes {
		if err := b.mount(s, v); err != nil {
			return err
		}
	}
	return nil
}

// mount uses the Engine's older form, the bind, wherever it can say what the file says, as Compose does: in this form
// alone every engine creates a host path that is missing.
func (b *blueprint) mount(s types.ServiceConfig, v types.ServiceVolumeConfig) error {
	m := mount.Mount{
		Type: mount.Type(v.Type), Source: v.Source, Target: v.Target,
		ReadOnly: v.ReadOnly, Consistency: mount.Consistency(v.Consistency),
	}
	if v.Type == types.VolumeTypeVolume && !strings.HasPrefix(v.Target, "/") {
		return b.refuse(s, "volumes", v.Target, "the path in the container must begin with a slash; what has one letter before the colon is taken for a drive of Windows")
	}
	var err error
	switch v.Type {
	case types.VolumeTypeBind:
		if bindable(v) {
			b.Host.Binds = append(b.Host.Binds, bindOf(v.Source, v))
			return nil
		}
		m.BindOptions, err = b.bindOptions(s, v.Bind)
	case types.VolumeTypeVolume:
		if v.Source != "" {
			m.Source = b.project.Volumes[v.Source].Name
		}
		if v.Source != "" && plainVolume(v.Volume) {
			b.Host.Binds = append(b.Host.Binds, bindOf(m.Source, v))
			return nil
		}
		if o := v.Volume; o != nil {
			m.VolumeOptions = &mount.VolumeOptions{NoCopy: o.NoCopy, Labels: o.Labels, Subpath: o.Subpath}
		}
	case types.VolumeTypeTmpfs:
		if o := v.Tmpfs; o != nil {
			m.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: int64(o.Size), Mode: os.FileMode(o.Mode)}
		}
	case types.VolumeTypeImage:
		err = b.needs("1.48", s, "volumes.type", v.Type)
		if o := v.Image; o != nil {
			m.ImageOptions = &mount.ImageOptions{Subpath: o.SubPath}
		}
	default:
		err = b.refuse(s, "volumes.type", v.Type, foreignTypes[v.Type])
	}
	b.Host.Mounts = append(b.Host.Mounts, m)
	return err
}

// foreignTypes say where the types of mounts are known that are not known here.
var foreignTypes = map[string]string{
	types.VolumeTypeNamedPipe: "only Windows knows it",
	types.VolumeTypeCluster:   "only a swarm knows it",
}

// bindable tells whether a bind says all that the file says of a host path.
func bindable(v types.ServiceVolumeConfig) bool {
	o := v.Bind
	return o == nil || bool(o.CreateHostPath) && o.Propagation == "" && o.Recursive == ""
}

// plainVolume tells whether a bind says all that the file says of a named volume.
func plainVolume(o *types.ServiceVolumeVolume) bool {
	return o == nil || len(o.Labels) == 0 && o.Subpath == "" && !o.NoCopy
}

func bindOf(source string, v types.ServiceVolumeConfig) string {
	modes := "rw"
	if v.ReadOnly {
		modes = "ro"
	}
	if v.Bind != nil && v.Bind.SELinux != "" {
		modes += "," + v.Bind.SELinux
	}
	return source + ":" + v.Target + ":" + modes
}

func (b *blueprint) bindOptions(s types.ServiceConfig, o *types.ServiceVolumeBind) (*mount.BindOptions, error) {
	options := &mount.BindOptions{Propagation: mount.Propagation(o.Propagation), CreateMountpoint: bool(o.CreateHostPath)}
	switch o.Recursive {
	case "disabled":
		options.NonRecursive = true
		return options, nil
	case "writable":
		options.ReadOnlyNonRecursive = true
	case "readonly":
		options.ReadOnlyForceRecursive = true
	default:
		return options, nil
	}
	return options, b.needs("1.44", s, "volumes.bind.recursive", o.Recursive)
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

// volumeImages are the images that the service mounts.
func volumeImages(s types.ServiceConfig) []types.ServiceConfig {
	var list []types.ServiceConfig
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeImage {
			list = append(list, types.ServiceConfig{Name: s.Name, ContainerSpec: types.ContainerSpec{Image: v.Source}})
		}
	}
	return list
}
