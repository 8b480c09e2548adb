package compose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
)

// share is something that a container has from a container of another service, for which the engine wants an id. It is
// always the first container of that service, as in Docker Compose.
type share struct {
	service string
	key     string // of the compose file
	what    string // for people
	lives   bool   // as long as the other runs: it is another one after a restart
}

// shares lists what a container of the service has from others of the project.
func shares(s types.ServiceConfig) (list []share) {
	for _, n := range namespaces(&s) {
		if service, ok := strings.CutPrefix(*n.mode, types.ServicePrefix); ok {
			list = append(list, share{service, n.key, n.what, true})
		}
	}
	for _, entry := range s.VolumesFrom {
		if service, _, _ := strings.Cut(entry, ":"); !strings.HasPrefix(entry, types.ContainerPrefix) {
			list = append(list, share{service, "volumes_from", "volumes", false})
		}
	}
	return list
}

// namespace is one that a service may share, and where it says with whom.
type namespace struct {
	key, what string
	mode      *string
}

func namespaces(s *types.ServiceConfig) []namespace {
	return []namespace{{"network_mode", "network", &s.NetworkMode}, {"pid", "process ids", &s.Pid}, {"ipc", "memory", &s.Ipc}}
}

// checkShares refuses to share something with a service that has no container.
func (p *project) checkShares(s types.ServiceConfig) error {
	for _, share := range shares(s) {
		if lender, ok := p.Services[share.service]; !ok || lender.GetScale() == 0 {
			return p.mistake(s, share.key, fmt.Sprintf("it shares the %s of %s, which has no container here", share.what, share.service))
		}
	}
	return nil
}

// resolve puts ids of containers in the place of services; ids has them by service, and those that it has not stay.
func resolve(s types.ServiceConfig, ids map[string]string) types.ServiceConfig {
	for _, n := range namespaces(&s) {
		if service, ok := strings.CutPrefix(*n.mode, types.ServicePrefix); ok && ids[service] != "" {
			*n.mode = types.ContainerPrefix + ids[service]
		}
	}
	s.VolumesFrom = slices.Clone(s.VolumesFrom)
	for i, entry := range s.VolumesFrom {
		service, access, _ := strings.Cut(entry, ":")
		if !strings.HasPrefix(entry, types.ContainerPrefix) && ids[service] != "" {
			s.VolumesFrom[i] = types.ContainerPrefix + strings.Join(words(ids[service], access), ":")
		}
	}
	return s
}

// resolve puts the ids of the containers that the blueprint refers to where the engine wants them, and notes them in
// labels: a container whose partner is another one by now has to be replaced.
func (b *blueprint) resolve(s types.ServiceConfig, ids map[string]string) error {
	list := shares(s)
	if len(list) == 0 {
		return nil
	}
	resolved := resolve(s, ids)
	b.Config.Labels[labelHash] = serviceHash(resolved)
	b.Config.Labels[labelShares] = shareLabel(list, ids)
	for _, apply := range []func(*blueprint, types.ServiceConfig) error{mapNetworkMode, mapNamespaces, mapVolumesFrom} {
		if err := apply(b, resolved); err != nil {
			return err
		}
	}
	return nil
}

// shareLabel writes the ids of those with whom something is shared.
func shareLabel(list []share, ids map[string]string) string {
	with := map[string]string{}
	for _, share := range list {
		with[share.service] = ids[share.service]
	}
	var out []string
	for _, service := range slices.Sorted(maps.Keys(with)) {
		out = append(out, service+"="+with[service])
	}
	return strings.Join(out, ",")
}

// partners reads the ids of those with whom the container shares something, by service. It has none of a container
// that Docker Compose made.
func (f found) partners() map[string]string {
	ids := map[string]string{}
	for _, entry := range words(strings.Split(f.labels[labelShares], ",")...) {
		service, id, _ := strings.Cut(entry, "=")
		ids[service] = id
	}
	return ids
}

// firstContainers returns the id of each service's first container, as far as the execution has it.
func (x *execution) firstContainers() map[string]string {
	x.mu.Lock()
	defer x.mu.Unlock()
	ids := map[string]string{}
	for _, sp := range x.plan.services() {
		first := x.plan.project.containerName(sp.service, 1)
		for _, a := range sp.actions {
			switch {
			case a.name != first || a.verb == remove:
			case a.blueprint != nil:
				ids[sp.service.Name] = x.made[first]
			default:
				ids[sp.service.Name] = a.old.id
			}
		}
	}
	return ids
}

// lend gives the blueprint of a job what it shares with the containers that are there: a job starts no service.
func (o observation) lend(b *blueprint, s types.ServiceConfig) error {
	ids := map[string]string{}
	for _, c := range o.containers {
		if c.number == 1 {
			ids[c.service] = c.id
		}
	}
	for _, share := range shares(s) {
		if ids[share.service] == "" {
			return &deploy.HintedError{
				Err:  fmt.Errorf("service %s shares the %s of %s, which has no container yet", s.Name, share.what, share.service),
				Next: "give the job a service of its own that shares nothing with another one",
			}
		}
	}
	return b.resolve(s, ids)
}

// lent are the names of the volumes that the service has through volumes_from.
func (o observation) lent(s types.ServiceConfig) map[string]bool {
	names := map[string]bool{}
	for _, entry := range s.VolumesFrom {
		from, named := strings.CutPrefix(entry, types.ContainerPrefix)
		from, _, _ = strings.Cut(from, ":")
		for _, c := range o.containers {
			if !named && c.service == from {
				c.volumes(names)
			}
		}
		for _, c := range slices.Concat(o.containers, o.others) {
			if named && (c.name == from || c.id == from) {
				c.volumes(names)
			}
		}
	}
	return names
}

func (f found) volumes(names map[string]bool) {
	for _, m := range f.mounts {
		names[m.Name] = true
	}
}
