package compose

import (
	"fmt"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"verdigris/deploy"
)

// blueprint is everything that one container is made from.
type blueprint struct {
	project  *project
	Name     string
	Config   *container.Config
	Host     *container.HostConfig
	Networks []attachment
	// Platform is what the image must be made for; nil where any will do.
	Platform *ocispec.Platform `json:",omitempty"`
	// Digests stand for the content of files that the container was given.
	Digests map[string]string `json:",omitempty"`
	// PreStart are containers that run to their end before this one starts.
	PreStart []types.ContainerSpec `json:",omitempty"`
	files    []copied              // what is copied into it before it starts

	service types.ServiceConfig
	number  int // of the service's containers, from 1
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
		service: s,
		number:  number,
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

// refuse is the error about a value that cannot be honoured, though its key can.
func (b *blueprint) refuse(s types.ServiceConfig, key, value, why string) error {
	return &deploy.HintedError{
		Err:  fmt.Errorf("not supported by verdigris: service %s: %s: %s (%s), %s", s.Name, key, value, b.project.whereIs("service", s.Name, key), why),
		Next: "change it in the compose file, or run that part outside of verdigris",
	}
}

// needs refuses a value that the engine is too old for.
func (b *blueprint) needs(api string, s types.ServiceConfig, key, value string) error {
	if !olderThan(b.project.api, api) {
		return nil
	}
	return b.refuse(s, key, value, "it needs Docker API "+api+", and this engine speaks "+b.project.api)
}
