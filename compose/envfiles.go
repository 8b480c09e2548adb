package compose

import (
	"fmt"
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
)

// readEnvFiles reads the env files and label files of the services into their environment and labels. It looks at each
// file first, to name the line that wants it.
func (p *project) readEnvFiles() error {
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		s := p.Services[name]
		specs := []types.ContainerSpec{s.ContainerSpec}
		for _, hook := range s.PreStart {
			specs = append(specs, hook.ContainerSpec)
		}
		for _, spec := range specs {
			if err := p.readable(name, spec); err != nil {
				return err
			}
		}
	}
	resolved, err := p.WithServicesEnvironmentResolved(false)
	if err != nil {
		return err
	}
	if resolved, err = resolved.WithServicesLabelsResolved(false); err != nil {
		return err
	}
	p.Project = resolved
	return nil
}

// readable refuses files that are missing, or that are no files.
func (p *project) readable(service string, spec types.ContainerSpec) error {
	for _, file := range spec.EnvFiles {
		if _, err := readBounded(file.Path); err != nil && bool(file.Required) {
			return p.unreadable(service, "env_file", file.Path, err)
		}
	}
	for _, file := range spec.LabelFiles {
		if _, err := readBounded(file); err != nil {
			return p.unreadable(service, "label_file", file, err)
		}
	}
	return nil
}

func (p *project) unreadable(service, key, file string, err error) error {
	place := p.sources.file(file)
	if place == "" {
		place = p.whereIs("service", service, key)
	}
	return &deploy.HintedError{
		Err:  fmt.Errorf("service %s: read %s (%s): %w", service, key, place, err),
		Next: "create the file, correct its path in the compose file, or mark an env_file with required: false",
	}
}
