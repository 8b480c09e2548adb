package compose

import (
	"fmt"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
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
	stop    verb = "stop" // of a worker, which StartWorkers starts again
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
	digest   string
	platform ocispec.Platform
	role     string          // what its label says, which its containers have too
	volumes  map[string]bool // the paths at which it declares volumes
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
	done := progress{map[string]bool{}, map[string]bool{}, map[string]string{}}
	for _, names := range levels(p.Services) {
		var level []servicePlan
		for _, name := range names {
			sp, err := planService(p, p.Services[name], seen, images[name], done)
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
