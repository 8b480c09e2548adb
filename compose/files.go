package compose

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/mount"

	"verdigris/deploy"
)

// fileAttributes give the container single files: configs and secrets. One that is a file of the host is mounted, one that
// a variable or the compose file itself holds is copied into the container before it starts, as Compose does it.
var fileAttributes = []attribute{
	{name: "configs", parts: "source target uid gid mode", apply: mapConfigs},
	{name: "secrets", parts: "source target uid gid mode", apply: mapSecrets},
}

// fileObjectAttributes are those of the top-level configs and secrets.
var fileObjectAttributes = []attribute{
	{name: "name file environment content"},
	{name: "labels", ignored: "the engine has nothing that could bear them, and Compose ignores them too"},
	{name: "external", refused: "only a swarm keeps such things; say where it comes from with file, environment or content"},
	{name: "driver driver_opts template_driver", refused: "only a swarm has drivers for it"},
}

// grant gives one service one config or secret.
type grant struct {
	kind   string // config or secret
	ref    types.FileReferenceConfig
	object types.FileObjectConfig
	base   string // the directory that a relative target lies in
}

func (p *project) configsOf(s types.ServiceConfig) (list []grant) {
	for _, c := range s.Configs {
		list = append(list, grant{"config", types.FileReferenceConfig(c), types.FileObjectConfig(p.Configs[c.Source]), "/"})
	}
	return list
}

func (p *project) secretsOf(s types.ServiceConfig) (list []grant) {
	for _, c := range s.Secrets {
		list = append(list, grant{"secret", types.FileReferenceConfig(c), types.FileObjectConfig(p.Secrets[c.Source]), "/run/secrets"})
	}
	return list
}

func mapConfigs(b *blueprint, s types.ServiceConfig) error {
	return b.giveAll(s, b.project.configsOf(s))
}
func mapSecrets(b *blueprint, s types.ServiceConfig) error {
	return b.giveAll(s, b.project.secretsOf(s))
}

func (b *blueprint) giveAll(s types.ServiceConfig, grants []grant) error {
	for _, g := range grants {
		if err := b.give(s, g); err != nil {
			return err
		}
	}
	return nil
}

// give mounts or copies the file, and notes its content: another content is another configuration.
func (b *blueprint) give(s types.ServiceConfig, g grant) error {
	g.ref.Target = g.target()
	if g.object.File != "" {
		content, err := os.ReadFile(g.object.File)
		if err != nil {
			return &deploy.HintedError{
				Err:  fmt.Errorf("service %s: read %s (%s): %w", s.Name, g, b.project.whereIs(g.kind, g.ref.Source, "file"), err),
				Next: "create the file, or correct its path in the compose file",
			}
		}
		b.note(g.ref.Target, digest(content))
		b.Host.Mounts = append(b.Host.Mounts, mount.Mount{Type: mount.TypeBind, Source: g.object.File, Target: g.ref.Target, ReadOnly: true})
		return nil
	}
	content, err := b.project.content(s, g)
	if err != nil || content == "" {
		return err
	}
	if err := b.reachable(s, g); err != nil {
		return err
	}
	file := copied{g.ref, content}
	if _, err := file.archive(time.Time{}); err != nil {
		return &deploy.InputError{Reason: fmt.Sprintf("service %s: %s: %v (%s)", s.Name, g, err, b.project.whereIs("service", s.Name, g.kind+"s"))}
	}
	b.note(g.ref.Target, digest([]any{content, g.ref}))
	b.files = append(b.files, file)
	return nil
}

// note adds a digest to those that the container's configuration is summed up with. None is kept by itself: a secret
// can be as short as a PIN, and its digest alone would tell it to whoever reads labels.
func (b *blueprint) note(target, digest string) {
	if b.Digests == nil {
		b.Digests = map[string]string{}
	}
	b.Digests[target] = digest
}

func (g grant) String() string { return g.kind + " " + g.ref.Source }

// target is the absolute path in the container; the source's name where none is given.
func (g grant) target() string {
	target := cmp.Or(g.ref.Target, g.ref.Source)
	if path.IsAbs(target) {
		return target
	}
	return path.Join(g.base, target)
}

// content is what the compose file or a variable holds. Variables are those that interpolation sees: the files of the
// configuration, never what the daemon's own environment happens to have.
func (p *project) content(s types.ServiceConfig, g grant) (string, error) {
	if g.object.Content != "" || g.object.Environment == "" {
		return g.object.Content, nil
	}
	value, set := p.Environment[g.object.Environment]
	if !set {
		return "", &deploy.HintedError{
			Err:  fmt.Errorf("service %s: %s wants variable %s, which is not set (%s)", s.Name, g, g.object.Environment, p.whereIs(g.kind, g.ref.Source, "environment")),
			Next: fmt.Sprintf("set %s in the .env beside verdigris.yml or in a file of compose.env_files", g.object.Environment),
		}
	}
	return value, nil
}

// reachable refuses a place where the container would not see what is copied into it before it starts.
func (b *blueprint) reachable(s types.ServiceConfig, g grant) error {
	place := fmt.Sprintf("service %s: %s cannot be copied to %s (%s)", s.Name, g, g.ref.Target, b.project.whereIs("service", s.Name, g.kind+"s"))
	if s.ReadOnly {
		return &deploy.HintedError{
			Err:  fmt.Errorf("%s: the service is read_only, and Compose refuses this too", place),
			Next: fmt.Sprintf("give the %s as a file, or take read_only out", g.kind),
		}
	}
	for _, dir := range b.tmpfs() {
		if strings.HasPrefix(g.ref.Target, strings.TrimSuffix(dir, "/")+"/") {
			return &deploy.HintedError{
				Err:  fmt.Errorf("%s: the tmpfs on %s would hide it", place, dir),
				Next: fmt.Sprintf("give the %s as a file or another target, or put the tmpfs elsewhere", g.kind),
			}
		}
	}
	return nil
}

// tmpfs are the paths that are empty at every start.
func (b *blueprint) tmpfs() []string {
	list := slices.Sorted(maps.Keys(b.Host.Tmpfs))
	for _, m := range b.Host.Mounts {
		if m.Type == mount.TypeTmpfs {
			list = append(list, m.Target)
		}
	}
	return list
}

// fileNotes says in one line for each what Compose leaves out without an error: owner and mode of a file of the host,
// and a config or secret that is empty.
func (p *project) fileNotes() (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		s := p.Services[name]
		for _, g := range slices.Concat(p.configsOf(s), p.secretsOf(s)) {
			owned := g.ref.UID != "" || g.ref.GID != "" || g.ref.Mode != nil
			if g.object.File != "" && owned {
				lines = append(lines, fmt.Sprintf("note: service %s: uid, gid and mode of %s have no effect: it is a file of the host and keeps its own, as with Compose", name, g))
			}
			if content, err := p.content(s, g); err == nil && content == "" && g.object.File == "" {
				lines = append(lines, fmt.Sprintf("warning: service %s: %s is empty, and the containers get no file %s", name, g, g.target()))
			}
		}
	}
	return lines
}
