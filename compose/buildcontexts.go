package compose

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"verdigris/deploy"
)

// dockerImage begins the source of a context that is an image.
const dockerImage = "docker-image://"

// namedContext is one of a build's additional contexts.
type namedContext struct {
	name   string
	source string // docker-image://<image>, a URL or a directory
	tag    string // names the image that an old BuildKit is given instead of a URL or directory
}

// contexts are the service's additional contexts by name, images of other services by the names that they are built
// under.
func (p *project) contexts(s types.ServiceConfig) []namedContext {
	var list []namedContext
	for _, name := range slices.Sorted(maps.Keys(s.Build.AdditionalContexts)) {
		c := namedContext{name: name, source: s.Build.AdditionalContexts[name]}
		if service, ok := strings.CutPrefix(c.source, types.ServicePrefix); ok {
			c.source = dockerImage + p.reference(p.Services[service])
		}
		image, tag, _ := strings.Cut(p.reference(s), ":")
		c.tag = image + "-context-" + name + ":" + tag
		list = append(list, c)
	}
	return list
}

// imagesNeeded are the services whose images are contexts of the service's build.
func imagesNeeded(s types.ServiceConfig) []string {
	if s.Build == nil {
		return nil
	}
	var services []string
	for _, source := range s.Build.AdditionalContexts {
		if service, ok := strings.CutPrefix(source, types.ServicePrefix); ok {
			services = append(services, service)
		}
	}
	slices.Sort(services)
	return slices.Compact(services)
}

// local is the name under which BuildKit asks for the context's directory; that of the build itself is called context.
func (c namedContext) local() string { return "context-" + c.name }

// directory tells whether the context lies on this machine.
func (c namedContext) directory() bool {
	return !strings.HasPrefix(c.source, dockerImage) && !isRemote(c.source)
}

// withStages puts a stage for each additional context before the Dockerfile's first stage. To the Dockerfile that is
// the same, as long as it has no stage of that name itself. A context that is no image is made into one.
func withStages(ctx context.Context, b *buildKit, job recipe, progress *buildProgress) (recipe, error) {
	text, err := job.dockerfileText()
	if err != nil {
		return job, err
	}
	images := map[string]string{}
	for _, c := range job.contexts {
		image, ok := strings.CutPrefix(c.source, dockerImage)
		if !ok {
			image = c.tag
			if err := b.build(ctx, job.ofContext(c), progress.within(c.name)); err != nil {
				return job, fmt.Errorf("additional context %s: %w", c.name, err)
			}
		}
		images[c.name] = image
	}
	job.inline, err = addStages(text, images)
	job.contexts = nil
	return job, err
}

// ofContext is the recipe of an image that holds nothing but the files of an additional context.
func (job recipe) ofContext(c namedContext) recipe {
	return recipe{
		service: job.service,
		name:    job.name + "-context-" + c.name,
		config:  &types.BuildConfig{Context: c.source},
		inline:  []byte("FROM scratch\nCOPY . /\n"),
		tags:    []string{c.tag},
		labels:  job.labels,
		fresh:   job.fresh,
	}
}

// stageName is what may stand after AS.
var stageName = regexp.MustCompile(`^[a-z][a-z0-9-_.]*$`)

// addStages puts FROM <image> AS <name> before the Dockerfile's first stage, after its global arguments.
func addStages(dockerfile []byte, images map[string]string) ([]byte, error) {
	parsed, err := parser.Parse(bytes.NewReader(dockerfile))
	if err != nil {
		return nil, err
	}
	first := 0
	for _, node := range parsed.AST.Children {
		if !strings.EqualFold(node.Value, "from") {
			continue
		}
		first = cmp.Or(first, node.StartLine)
		words := strings.Fields(node.Original)
		if name := strings.ToLower(words[len(words)-1]); images[name] != "" && len(words) > 3 && strings.EqualFold(words[len(words)-2], "as") {
			return nil, needsNewer(fmt.Sprintf("line %d: stage %s has the name of an additional context", node.StartLine, name))
		}
	}
	if first == 0 {
		return nil, fmt.Errorf("the Dockerfile has no FROM")
	}
	var stages []string
	for _, name := range slices.Sorted(maps.Keys(images)) {
		if !stageName.MatchString(name) {
			return nil, needsNewer(fmt.Sprintf("additional context %s has no name that a stage could have", name))
		}
		stages = append(stages, fmt.Sprintf("FROM %s AS %s", images[name], name))
	}
	lines := strings.Split(string(dockerfile), "\n")
	lines = slices.Insert(lines, first-1, stages...)
	return []byte(strings.Join(lines, "\n")), nil
}

// contextsSince is the first version of the Docker API whose BuildKit knows additional contexts, ulimits and the size
// of /dev/shm: Engine 23.
const contextsSince = "1.42"

func needsNewer(what string) error {
	return &deploy.HintedError{
		Err:  fmt.Errorf("%s, which needs the BuildKit of Docker Engine 23 or newer", what),
		Next: "upgrade the engine, or do without it",
	}
}
