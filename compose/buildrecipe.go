package compose

import (
	"cmp"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
)

// recipe is one build, ready for BuildKit.
type recipe struct {
	service string
	// name is <app>-<service>; files that BuildKit has of an earlier build of that name are not sent again.
	name       string
	config     *types.BuildConfig
	dockerfile string // absolute, or relative to a remote context; empty when it is inline
	inline     []byte // takes the Dockerfile's place
	platform   string // empty for the engine's own
	tags       []string
	labels     map[string]string
	secrets    map[string][]byte // by id
	contexts   []namedContext
	needs      []string // services whose images are contexts of this build
	fresh      bool
}

// caBundle is the id of the secret that every build is offered where the configuration names a CA bundle.
const caBundle = "ca-bundle"

func (p *project) recipe(s types.ServiceConfig, fresh bool) (recipe, error) {
	secrets, err := p.buildSecrets(s)
	if err != nil {
		return recipe{}, err
	}
	job := recipe{
		service:  s.Name,
		name:     p.app + "-" + s.Name,
		config:   s.Build,
		inline:   []byte(s.Build.DockerfileInline),
		platform: p.platformOf(s),
		tags:     append(p.tags(s), s.Build.Tags...),
		labels:   map[string]string{labelApp: p.app, labelService: s.Name},
		secrets:  secrets,
		contexts: p.contexts(s),
		needs:    imagesNeeded(s),
		fresh:    fresh || s.Build.NoCache,
	}
	maps.Copy(job.labels, s.Build.Labels)
	if len(s.Build.Platforms) > 0 {
		job.platform = s.Build.Platforms[0] // checkBuildValues lets only one pass
	}
	if len(job.inline) == 0 {
		job.dockerfile = dockerfilePath(s.Build)
	}
	return job, nil
}

// dockerfilePath returns where the Dockerfile lies: relative to the context, which may be remote.
func dockerfilePath(c *types.BuildConfig) string {
	if isRemote(c.Context) || filepath.IsAbs(c.Dockerfile) {
		return c.Dockerfile
	}
	return filepath.Join(c.Context, c.Dockerfile)
}

// isRemote tells whether a context is fetched by the engine: a git repository or an archive on a web server.
func isRemote(context string) bool {
	for _, prefix := range []string{"https://", "http://", "git://", "ssh://", "git@", "github.com/"} {
		if strings.HasPrefix(context, prefix) {
			return true
		}
	}
	return false
}

// fragment is what follows the # of a remote context: a git reference and, after a colon, a folder.
func fragment(context string) string {
	_, after, _ := strings.Cut(context, "#")
	return after
}

// buildSecrets reads the secrets that the build is given, by the ids under which the Dockerfile asks for them.
func (p *project) buildSecrets(s types.ServiceConfig) (map[string][]byte, error) {
	secrets := map[string][]byte{}
	if p.caBundle != "" {
		content, err := os.ReadFile(p.caBundle)
		if err != nil {
			return nil, fmt.Errorf("read build.ca_bundle: %w", err)
		}
		if block, _ := pem.Decode(content); block == nil {
			return nil, fmt.Errorf("build.ca_bundle: %s has no certificate in PEM", p.caBundle)
		}
		secrets[caBundle] = content
	}
	for _, wanted := range s.Build.Secrets {
		content, err := p.buildSecret(s, wanted)
		if err != nil {
			return nil, err
		}
		secrets[cmp.Or(wanted.Target, wanted.Source)] = content
	}
	return secrets, nil
}

func (p *project) buildSecret(s types.ServiceConfig, wanted types.ServiceSecretConfig) ([]byte, error) {
	secret := grant{kind: "secret", ref: types.FileReferenceConfig(wanted), object: types.FileObjectConfig(p.Secrets[wanted.Source])}
	if secret.object.File == "" {
		content, err := p.content(s, secret)
		return []byte(content), err
	}
	content, err := os.ReadFile(secret.object.File)
	if err != nil {
		return nil, &deploy.HintedError{
			Err:  fmt.Errorf("read build %s: %w", secret, err),
			Next: "create the file, or correct its path in the compose file",
		}
	}
	return content, nil
}

// ulimits are those of the build in BuildKit's form: nofile=1024:2048.
func (job recipe) ulimits() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(job.config.Ulimits)) {
		u := job.config.Ulimits[name]
		soft, hard := cmp.Or(u.Soft, u.Single), cmp.Or(u.Hard, u.Single)
		list = append(list, fmt.Sprintf("%s=%d:%d", name, soft, hard))
	}
	return list
}

// cacheRefs are the images whose cache is taken over; checkBuildValues lets no other kind pass.
func (job recipe) cacheRefs() []string {
	var refs []string
	for _, from := range job.config.CacheFrom {
		refs = append(refs, cmp.Or(cacheEntry(from)["ref"], from))
	}
	return refs
}

// cachesInline tells whether the image shall carry its own cache: cache_to: [type=inline], or the argument that
// docker build knows.
func (job recipe) cachesInline() bool {
	asked := job.config.Args["BUILDKIT_INLINE_CACHE"]
	return len(job.config.CacheTo) > 0 || asked != nil && (*asked == "1" || *asked == "true")
}

// cacheEntry reads type=registry,ref=...; a bare image has no type.
func cacheEntry(text string) map[string]string {
	entry := map[string]string{}
	for field := range strings.SplitSeq(text, ",") {
		if name, value, ok := strings.Cut(field, "="); ok {
			entry[name] = value
		}
	}
	return entry
}
