package compose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
)

// attribute is one key of a service in a compose file and how it reaches the engine. Every key of the Compose
// specification that is in no table is refused by name, so that nothing is ever dropped silently.
type attribute struct {
	name string // as it is written below the service, e.g. "deploy.resources.limits"
	// parts are the keys below it that are mapped too, separated by spaces.
	parts string
	// apply is nil for a key that is dealt with elsewhere; the table says where.
	apply func(b *blueprint, s types.ServiceConfig) error
}

// attributes are all the keys of a service that are mapped, by group.
var attributes = slices.Concat(
	loadedAttributes,
	processAttributes,
	resourceAttributes,
	securityAttributes,
	networkAttributes,
	mountAttributes,
	healthAttributes,
)

// loadedAttributes never reach a container: compose-go resolves them while it loads, or another file reads them.
var loadedAttributes = []attribute{
	{name: "name profiles label_file attach"}, // compose-go; attach is about a terminal
	{name: "env_file", parts: "path required format"},
	{name: "extends", parts: "file service"},
	{name: "develop", parts: "watch watch.path watch.action watch.target watch.ignore watch.include watch.initial_sync"}, // of `watch` alone
	{name: "image pull_policy"}, // images.go
	{name: "build", parts: "context dockerfile dockerfile_inline args target labels no_cache network pull extra_hosts shm_size cache_from tags secrets secrets.source secrets.target"}, // build.go
	{name: "depends_on", parts: "condition restart required"}, // plan.go
	{name: "scale container_name deploy.replicas"},            // plan.go
	{name: "deploy.mode", apply: checkMode},
}

// checkMode lets only the mode pass that a single machine knows.
func checkMode(_ *blueprint, s types.ServiceConfig) error {
	if s.Deploy != nil && s.Deploy.Mode != "" && s.Deploy.Mode != "replicated" {
		return unsupported(s, "deploy.mode: "+s.Deploy.Mode)
	}
	return nil
}

// blueprint is everything that one container is made from.
type blueprint struct {
	project  *project
	Name     string
	Config   *container.Config
	Host     *container.HostConfig
	Networks []attachment
	// Digests stand for the content of files that the container was given.
	Digests map[string]string `json:",omitempty"`
}

// attachment is one network that the container joins; an Engine before 25 takes only the first at creation.
type attachment struct {
	Network  string
	Settings *network.EndpointSettings
}

// blueprint maps one container of a service. Number counts the service's containers from 1.
func (p *project) blueprint(s types.ServiceConfig, number int) (*blueprint, error) {
	b := &blueprint{
		project: p,
		Name:    p.containerName(s, number),
		Config:  &container.Config{Labels: map[string]string{}},
		Host:    &container.HostConfig{},
	}
	for _, a := range attributes {
		if a.apply == nil {
			continue
		}
		if err := a.apply(b, s); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (p *project) containerName(s types.ServiceConfig, number int) string {
	if s.ContainerName != "" {
		return s.ContainerName
	}
	return fmt.Sprintf("%s-%s-%d", p.Name, s.Name, number)
}

// unsupported is the error about a key or value that has no mapping.
func unsupported(s types.ServiceConfig, what string) error {
	return fmt.Errorf("service %s: %s is not supported by verdigris", s.Name, what)
}

// handled is the set of all keys that attributes and the other tables name.
func handled(table []attribute) map[string]bool {
	set := map[string]bool{}
	for _, a := range table {
		for _, name := range strings.Fields(a.name) {
			set[name] = true
			for _, part := range strings.Fields(a.parts) {
				set[name+"."+part] = true
			}
		}
	}
	return set
}
