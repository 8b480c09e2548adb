package compose

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
)

// checkBuilds refuses, before anything is built, what a file says below build that cannot be done.
func (p *project) checkBuilds() error {
	for _, name := range p.ServiceNames() {
		s := p.Services[name]
		if s.Build == nil {
			continue
		}
		for _, check := range []func(types.ServiceConfig) error{p.checkBuildFiles, p.checkBuildValues, p.checkContexts} {
			if err := check(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *project) checkBuildFiles(s types.ServiceConfig) error {
	if isRemote(s.Build.Context) {
		return nil
	}
	if info, err := os.Stat(s.Build.Context); err != nil || !info.IsDir() {
		return fmt.Errorf("service %s: build context %s is not a directory (%s)", s.Name, s.Build.Context, p.whereIs("service", s.Name, "build.context"))
	}
	if s.Build.DockerfileInline != "" {
		return nil
	}
	if _, err := os.Stat(dockerfilePath(s.Build)); err != nil {
		return &deploy.HintedError{
			Err:  p.mistake(s, "build", "read Dockerfile: "+err.Error()),
			Next: "add the file to the repository, or name the right one: build.dockerfile",
		}
	}
	return nil
}

// checkBuildValues refuses the values that the builder inside of an engine does not know.
func (p *project) checkBuildValues(s types.ServiceConfig) error {
	b := s.Build
	attested := func(text string) bool { return text != "" && text != "false" }
	network := slices.Contains([]string{"", "default", "none", "host"}, b.Network)
	rules := []struct {
		key    string
		broken bool
		reason string
	}{
		{"build.platforms", len(b.Platforms) > 1, "an image for several platforms cannot be kept by an engine; name one"},
		{"build.isolation", b.Isolation != "" && b.Isolation != "default", "it is about Windows"},
		{"build.network", !network, fmt.Sprintf("there is no %q for a build: it takes default, none or host", b.Network)},
		{"build.cache_to", slices.ContainsFunc(b.CacheTo, notInline), "only type=inline can be done by the builder inside of the engine"},
		{"build.cache_from", slices.ContainsFunc(b.CacheFrom, notRegistry), "only images, by name or as type=registry,ref=..., can be used by the builder inside of the engine"},
		{"build.provenance", attested(b.Provenance), "the builder inside of the engine writes no attestations"},
		{"build.sbom", attested(b.SBOM), "the builder inside of the engine writes no attestations"},
		{"build.ssh", needsAgent(b.SSH) && os.Getenv("SSH_AUTH_SOCK") == "", "no ssh agent runs: SSH_AUTH_SOCK is not set; name a key file (default=/path/to/key)"},
	}
	for _, rule := range rules {
		if rule.broken {
			return p.mistake(s, rule.key, rule.reason)
		}
	}
	return p.checkSSHKeys(s)
}

func notInline(to string) bool { return cacheEntry(to)["type"] != "inline" }

func notRegistry(from string) bool {
	entry := cacheEntry(from)
	return len(entry) > 0 && (entry["type"] != "registry" || entry["ref"] == "")
}

func needsAgent(keys types.SSHConfig) bool {
	return slices.ContainsFunc(keys, func(k types.SSHKey) bool { return k.Path == "" })
}

// checkSSHKeys refuses keys that are not there.
func (p *project) checkSSHKeys(s types.ServiceConfig) error {
	for _, k := range s.Build.SSH {
		if _, err := os.Stat(k.Path); k.Path != "" && errors.Is(err, os.ErrNotExist) {
			return p.mistake(s, "build.ssh", fmt.Sprintf("key %s: there is no file %s", k.ID, k.Path))
		}
	}
	return nil
}

// checkContexts refuses additional contexts of a kind that is not known, and services that need each other's images. That
// a service is there and is built has been checked by compose-go.
func (p *project) checkContexts(s types.ServiceConfig) error {
	const key = "build.additional_contexts"
	for name, source := range s.Build.AdditionalContexts {
		service, isService := strings.CutPrefix(source, types.ServicePrefix)
		scheme, _, hasScheme := strings.Cut(source, "://")
		switch {
		case isService && p.needsImageOf(service, s.Name, nil):
			return p.mistake(s, key, fmt.Sprintf("%s: the builds of %s and %s need each other", name, s.Name, service))
		case isService && s.Build.Pull:
			return p.mistake(s, key, fmt.Sprintf("%s: with build.pull the image of %s would be looked for in a registry", name, service))
		case isService || strings.HasPrefix(source, dockerImage) || isRemote(source):
		case hasScheme:
			return p.mistake(s, key, fmt.Sprintf("%s: %s:// is not known to the builder inside of the engine", name, scheme))
		default:
			if info, err := os.Stat(source); err != nil || !info.IsDir() {
				return p.mistake(s, key, fmt.Sprintf("%s: %s is not a directory", name, source))
			}
		}
	}
	return nil
}

// needsImageOf tells whether the build of a service needs, by whatever way, the image of another or is its own.
func (p *project) needsImageOf(name, other string, seen []string) bool {
	if name == other {
		return true
	}
	if slices.Contains(seen, name) {
		return false // a circle of others, which is found at one of them
	}
	return slices.ContainsFunc(imagesNeeded(p.Services[name]), func(needed string) bool {
		return p.needsImageOf(needed, other, append(seen, name))
	})
}
