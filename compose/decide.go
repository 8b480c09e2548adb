package compose

import (
	"fmt"
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// progress is what has been decided about the services so far.
type progress struct {
	changed map[string]bool // those with a new container
	stopped map[string]bool // those with a container that is the same and starts again
	// first has the id of each service's first container where it stays: it is what others refer to.
	first map[string]string
}

// planService decides about each container of one service, and notes it in done.
func planService(p *project, s types.ServiceConfig, seen observation, img image, done progress) (servicePlan, error) {
	sp := servicePlan{service: s, waits: waits(s)}
	if err := p.checkShares(s); err != nil {
		return sp, err
	}
	if err := p.checkImageRole(s, img); err != nil {
		return sp, err
	}
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
		if err := b.checkPlatform(s, img); err != nil {
			return sp, err
		}
		if isWorker(s) {
			b.rest()
		}
		b.Config.Image = img.ref
		p.label(b, s, number, img.id)
		if err := b.resolve(s, done.first); err != nil {
			return sp, err
		}
		a := decide(b, have[number], img, seen, done)
		if a.verb == replace {
			b.inherit(*a.old, s, img, seen.lent(s))
		}
		done.note(s.Name, number, a)
		sp.actions = append(sp.actions, a)
	}
	return sp, nil
}

func (done progress) note(service string, number int, a action) {
	switch a.verb {
	case create, replace:
		done.changed[service] = true
		return
	case start, restart:
		done.stopped[service] = true
	}
	if number == 1 {
		done.first[service] = a.old.id
	}
}

func decide(b *blueprint, old found, img image, seen observation, done progress) action {
	a := action{name: b.Name, old: &old, blueprint: b}
	again, partner, lack := done.restartedWith(b.service), done.renewed(b.service, old), seen.incomplete(b, old)
	switch {
	case old.id == "":
		return action{verb: create, name: b.Name, blueprint: b}
	case partner != "":
		a.verb, a.why = replace, partner
	case !old.madeFrom(b):
		a.verb, a.why = replace, "its configuration changed"
	case old.name != b.Name:
		a.verb, a.why = replace, "its name was "+old.name
	case old.imageID != img.id:
		a.verb, a.why = replace, "its image changed"
	case lack != "":
		a.verb, a.why = replace, lack
	case isWorker(b.service) && old.ended():
		a.verb = keep
	case isWorker(b.service):
		a.verb, a.why = stop, "only the live slice has workers"
	case !old.running():
		a.verb, a.why = start, "it is "+old.state
	case again != "":
		a.verb, a.why = restart, "it restarts with "+again
	default:
		a.verb = keep
	}
	if a.verb != replace {
		a.blueprint = nil
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

// restartedWith names a dependency with which the service has to be restarted: one that is new where the file wants it
// so, or one whose namespace it shares, which ends when the other one stops.
func (done progress) restartedWith(s types.ServiceConfig) string {
	for _, name := range slices.Sorted(maps.Keys(s.DependsOn)) {
		if s.DependsOn[name].Restart && done.changed[name] {
			return name
		}
	}
	for _, share := range shares(s) {
		if share.lives && done.stopped[share.service] {
			return share.service
		}
	}
	return ""
}

// renewed says why the old container cannot go on with those that it shares something with; empty when it can.
func (done progress) renewed(s types.ServiceConfig, old found) string {
	for _, share := range shares(s) {
		with, known := old.partners()[share.service]
		if id := done.first[share.service]; id == "" || known && id != with {
			return fmt.Sprintf("it shares the %s of %s, whose container is new", share.what, share.service)
		}
	}
	return ""
}

func waits(s types.ServiceConfig) []dependency {
	var list []dependency
	for _, name := range slices.Sorted(maps.Keys(s.DependsOn)) {
		d := s.DependsOn[name]
		list = append(list, dependency{name, d.Condition, d.Required})
	}
	return list
}
