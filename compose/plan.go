package compose

import (
	"fmt"
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// plan is all that brings a project from what the engine has to what its files say. It is made without touching
// anything, and carried out without deciding anything.
type plan struct {
	project  *project
	networks []string // keys of those to create
	volumes  []string
	removals []action // containers whose service is gone
	levels   [][]servicePlan
	notes    []string
}

// servicePlan is what happens to one service once what it waits for has come true.
type servicePlan struct {
	service types.ServiceConfig
	waits   []dependency
	actions []action
}

// dependency is a condition on the containers of another service.
type dependency struct {
	service   string
	condition string
	required  bool
}

// verb says what happens to one container.
type verb string

const (
	keep    verb = "keep"
	create  verb = "create"
	replace verb = "replace"
	start   verb = "start"
	restart verb = "restart"
	remove  verb = "remove"
)

// action is what happens to one container.
type action struct {
	verb      verb
	name      string
	why       string
	old       *found     // of all but create
	blueprint *blueprint // of create and replace
}

// image is what a service's containers are made from.
type image struct {
	id  string // sha256:...
	ref string // a name of it for people, or the id
	// digest is name@sha256:... in the registry that it came from; empty for an image that came from none.
	digest string
}

// services are the plans of all services, each after those that it depends on.
func (pl *plan) services() []servicePlan { return slices.Concat(pl.levels...) }

// newPlan compares what the project's files say with what was observed. What cannot be done is an error here,
// before anything is touched.
func newPlan(p *project, seen observation, images map[string]image) (*plan, error) {
	if err := refuseElsewhere(p.Name, p.dir, seen.containers); err != nil {
		return nil, err
	}
	out := &plan{project: p, notes: p.warnings()}
	if err := out.planNetworks(seen); err != nil {
		return nil, err
	}
	if err := out.planVolumes(seen); err != nil {
		return nil, err
	}
	changed := map[string]bool{}
	for _, names := range levels(p.Services) {
		var level []servicePlan
		for _, name := range names {
			sp, err := planService(p, p.Services[name], seen, images[name], changed)
			if err != nil {
				return nil, err
			}
			level = append(level, sp)
		}
		out.levels = append(out.levels, level)
	}
	for _, c := range seen.containers {
		if _, ok := p.Services[c.service]; !ok {
			out.orphan(c)
		}
	}
	return out, out.checkPorts(seen)
}

// orphan removes a container of a slice whose service the release no longer has: what runs in a slice is one
// release. Among the shared services only what the files name is touched.
func (pl *plan) orphan(c found) {
	if pl.project.slice == "" {
		pl.notes = append(pl.notes, fmt.Sprintf("note: container %s belongs to service %s, which is not in the files or not in an active profile; it is left alone", c.name, c.service))
		return
	}
	pl.removals = append(pl.removals, action{verb: remove, name: c.name, why: "no such service", old: &c})
}

// planService decides about each container of one service, and notes in changed whether any is new.
func planService(p *project, s types.ServiceConfig, seen observation, img image, changed map[string]bool) (servicePlan, error) {
	sp := servicePlan{service: s, waits: waits(p, s)}
	have := map[int]found{}
	for _, c := range seen.containers {
		if c.service != s.Name {
			continue
		}
		_, twice := have[c.number]
		if twice || c.number < 1 || c.number > s.GetScale() {
			sp.actions = append(sp.actions, action{verb: remove, name: c.name, why: "more than wanted", old: &c})
			continue
		}
		have[c.number] = c
	}
	for number := 1; number <= s.GetScale(); number++ {
		b, err := p.blueprint(s, number)
		if err != nil {
			return sp, err
		}
		b.Config.Image = img.ref
		p.label(b, s, number, img.id)
		a := decide(b, have[number], img, restartedWith(s, changed))
		changed[s.Name] = changed[s.Name] || a.verb == create || a.verb == replace
		sp.actions = append(sp.actions, a)
	}
	return sp, nil
}

func decide(b *blueprint, old found, img image, dependency string) action {
	a := action{name: b.Name, old: &old}
	switch {
	case old.id == "":
		return action{verb: create, name: b.Name, blueprint: b}
	case !old.madeFrom(b):
		a.verb, a.why, a.blueprint = replace, "its configuration changed", b
	case old.name != b.Name:
		a.verb, a.why, a.blueprint = replace, "its name was "+old.name, b
	case old.imageID != img.id:
		a.verb, a.why, a.blueprint = replace, "its image changed", b
	case !old.running():
		a.verb, a.why = start, "it is "+old.state
	case dependency != "":
		a.verb, a.why = restart, "it restarts with "+dependency
	default:
		a.verb = keep
	}
	if a.verb == replace {
		b.inherit(old)
	}
	return a
}

// madeFrom tells whether the container is what the blueprint would make. One that Docker Compose made carries the hash
// of Compose alone.
func (f found) madeFrom(b *blueprint) bool {
	if f.config == "" {
		return f.hash == b.Config.Labels[labelHash]
	}
	return f.config == b.Config.Labels[labelConfig]
}

// restartedWith names a dependency that is new and with which the service wants to be restarted.
func restartedWith(s types.ServiceConfig, changed map[string]bool) string {
	for _, name := range slices.Sorted(maps.Keys(s.DependsOn)) {
		if s.DependsOn[name].Restart && changed[name] {
			return name
		}
	}
	return ""
}

func waits(p *project, s types.ServiceConfig) []dependency {
	var list []dependency
	for _, name := range slices.Sorted(maps.Keys(s.DependsOn)) {
		if _, ok := p.Services[name]; ok {
			d := s.DependsOn[name]
			list = append(list, dependency{name, d.Condition, d.Required})
		}
	}
	return list
}
