package compose

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/platforms"
	"github.com/docker/docker/api/types/container"
	dockerimage "github.com/docker/docker/api/types/image"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"verdigris/deploy"
)

// platformAttributes say for which machine the container is, and by what it is run.
var platformAttributes = []attribute{
	{name: "platform", apply: mapPlatform},
	{name: "runtime cgroup_parent sysctls", apply: mapKernel},
	{name: "isolation", apply: mapIsolation, values: "`default`; the others are for Windows"},
	{name: "cpu_count cpu_percent", apply: mapWindowsCPU, ignored: "only Windows knows it; cpus is for Linux"},
	{name: "credential_spec", refused: "only Windows knows it"},
}

// platformOf is the platform that the service asks for, e.g. linux/arm64; empty where any will do. Like Compose it takes
// that of DOCKER_DEFAULT_PLATFORM where the file is silent.
func (p *project) platformOf(s types.ServiceConfig) string {
	return cmp.Or(s.Platform, p.Environment["DOCKER_DEFAULT_PLATFORM"])
}

func mapPlatform(b *blueprint, s types.ServiceConfig) error {
	name := b.project.platformOf(s)
	if name == "" {
		return nil
	}
	platform, err := platforms.Parse(name)
	if err != nil {
		return b.refuse(s, "platform", name, "it is not a platform such as linux/amd64")
	}
	b.Platform = &platform
	return nil
}

// checkPlatform refuses an image that was made for another platform than the service asks for.
func (b *blueprint) checkPlatform(s types.ServiceConfig, img image) error {
	if b.Platform == nil || img.platform.OS == "" || platforms.NewMatcher(*b.Platform).Match(img.platform) {
		return nil
	}
	return &deploy.HintedError{
		Err:  fmt.Errorf("service %s wants platform %s, and image %s is for %s", s.Name, platforms.Format(*b.Platform), img.ref, platforms.Format(img.platform)),
		Next: "build or pull the image for that platform, or correct platform in the compose file",
	}
}

func mapKernel(b *blueprint, s types.ServiceConfig) error {
	b.Host.Runtime = s.Runtime
	b.Host.CgroupParent = s.CgroupParent
	b.Host.Sysctls = s.Sysctls
	return nil
}

// mapIsolation passes what Linux knows: its one way of isolation under the name default.
func mapIsolation(b *blueprint, s types.ServiceConfig) error {
	if s.Isolation != "" && !strings.EqualFold(s.Isolation, "default") {
		return b.refuse(s, "isolation", s.Isolation, "only Windows knows it")
	}
	b.Host.Isolation = container.Isolation(s.Isolation)
	return nil
}

// mapWindowsCPU hands on what Compose hands on, though a Linux engine does no more than to keep it.
func mapWindowsCPU(b *blueprint, s types.ServiceConfig) error {
	b.Host.CPUCount = s.CPUCount
	b.Host.CPUPercent = int64(s.CPUPercent * 100)
	return nil
}

// platformFrom says what an image was made for.
func platformFrom(os, architecture, variant string) ocispec.Platform {
	return platforms.Normalize(ocispec.Platform{OS: os, Architecture: architecture, Variant: variant})
}

// forPlatform returns nil for an image of another platform than the service wants: it counts as missing.
func forPlatform(s types.ServiceConfig, have *dockerimage.InspectResponse) (*dockerimage.InspectResponse, error) {
	if s.Platform == "" || have == nil {
		return have, nil
	}
	wanted, err := platforms.Parse(s.Platform)
	if err != nil {
		return nil, fmt.Errorf("service %s: platform: %w", s.Name, err)
	}
	if !platforms.OnlyStrict(wanted).Match(platformFrom(have.Os, have.Architecture, have.Variant)) {
		return nil, nil
	}
	return have, nil
}
