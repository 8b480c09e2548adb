package compose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
)

// The label by which a compose file says that a service is a worker. Compose hands it on to the containers, which are
// stopped and started again without their files.
const (
	labelRole  = "verdigris.role"
	roleWorker = "worker"
)

// isWorker tells whether the service runs on the live slice alone.
func isWorker(s types.ServiceConfig) bool { return s.Labels[labelRole] == roleWorker }

// worker tells whether the container is one of a worker.
func (f found) worker() bool { return f.labels[labelRole] == roleWorker }

// checkRoles refuses roles that there are not, workers that could not be started and stopped by themselves, and services
// that would wait for one.
func (p *project) checkRoles() error {
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		if err := p.checkRole(p.Services[name]); err != nil {
			return err
		}
	}
	return nil
}

func (p *project) checkRole(s types.ServiceConfig) error {
	role, ok := s.Labels[labelRole]
	switch {
	case !ok:
		return p.checkLeaning(s)
	case role != roleWorker:
		return p.refuseRole(s, fmt.Sprintf("%q is no role", role), "write worker, which is the only one, or take the label out")
	case p.slice == "":
		return p.refuseRole(s, "a shared service runs beside both slices", "move the service into the compose files of the slices, or take the label out")
	case s.Name == p.web:
		return p.refuseRole(s, "the web service runs before its slice goes live", "take the label out, and give what is for the live slice alone a service of its own")
	case len(s.PreStart) > 0:
		return &deploy.HintedError{
			Err: fmt.Errorf("not supported by verdigris: service %s: pre_start (%s), a worker is started without its compose files, which say what runs before it",
				s.Name, p.whereIs("service", s.Name, "pre_start")),
			Next: "do it in the worker's own command, in post_start or in the migration job",
		}
	}
	return nil
}

// checkLeaning refuses a service that depends on a worker without being one: it would wait for what does not start.
func (p *project) checkLeaning(s types.ServiceConfig) error {
	for _, name := range slices.Sorted(maps.Keys(s.DependsOn)) {
		if isWorker(p.Services[name]) {
			return &deploy.HintedError{
				Err: fmt.Errorf("service %s depends on worker %s, which only runs on the live slice (%s)",
					s.Name, name, p.whereIs("service", s.Name, leaning(s, name))),
				Next: fmt.Sprintf("take the dependency out, or label %s with %s: %s too", s.Name, labelRole, roleWorker),
			}
		}
	}
	return nil
}

// leaning is the key that makes a service depend on another one.
func leaning(s types.ServiceConfig, on string) string {
	for _, share := range shares(s) {
		if share.service == on {
			return share.key
		}
	}
	for _, link := range s.Links {
		if service, _, _ := strings.Cut(link, ":"); service == on {
			return "links." + on
		}
	}
	return "depends_on." + on
}

// checkImageRole refuses an image that would make workers of containers whose service is none: a container has the labels
// of its image too.
func (p *project) checkImageRole(s types.ServiceConfig, img image) error {
	if p.slice == "" || img.role == "" || img.role == s.Labels[labelRole] {
		return nil
	}
	return &deploy.HintedError{
		Err:  fmt.Errorf("service %s: image %s has the label %s=%s, which only a compose file can give (%s)", s.Name, img.ref, labelRole, img.role, p.whereIs("service", s.Name, "image")),
		Next: "take the label out of the Dockerfile; a worker has it under labels in the compose file",
	}
}

func (p *project) refuseRole(s types.ServiceConfig, why, next string) error {
	place := p.sources.place("services", s.Name, "labels", labelRole)
	return &deploy.HintedError{Err: fmt.Errorf("service %s: label %s: %s (%s)", s.Name, labelRole, why, place), Next: next}
}
