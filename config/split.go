package config

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"verdigris/deploy"
)

// Split is what SplitCompose makes of one compose file: the three files, and what it found out on the way.
type Split struct {
	Shared, Blue, Green string

	Web    string // the service that answers requests
	Port   int    // of its containers
	Public int    // the port that it published, and the edge publishes now
	Host   string // the address that it published it on, and the edge does now; empty for all
	Health string // the path that its health check asks for; empty when it does not say
	Redis  string // the service that is now two, one for each slice; empty for none
	Edge   string // the names of the services that were added
	Router string
	// Notes say what a person should look at; the files have them as comments too.
	Notes []string
}

// SplitCompose takes the compose file of an app apart for blue/green deployments. Services that keep data (known
// databases, and images with named volumes) are shared by both slices; a redis becomes two, one for each slice;
// everything else belongs to a slice. Each slice has a network of its own, which the shared services join, so
// that every service finds the others under the names that it knows.
func SplitCompose(app string, compose []byte) (*Split, error) {
	root, err := parse(compose)
	if err != nil {
		return nil, &deploy.InputError{Reason: fmt.Sprintf("read the compose file: %v", err)}
	}
	s := &splitter{app: app, root: expand(root)}
	if err := s.classify(); err != nil {
		return nil, err
	}
	if err := s.findWeb(); err != nil {
		return nil, err
	}
	s.out.Edge, s.out.Router = s.free("edge"), s.free("router")
	for file, tree := range map[*string]*yaml.Node{
		&s.out.Blue: s.slice(deploy.Blue), &s.out.Green: s.slice(deploy.Green), &s.out.Shared: s.shared(),
	} {
		if *file, err = render(tree); err != nil {
			return nil, fmt.Errorf("write compose file: %w", err)
		}
	}
	s.out.Shared = sharedHead + s.out.Shared
	s.out.Blue = fmt.Sprintf(sliceHead, deploy.Blue) + s.out.Blue
	s.out.Green = fmt.Sprintf(sliceHead, deploy.Green) + s.out.Green
	return &s.out, nil
}

const (
	sharedHead = "# What both slices share. A deployment never touches these services; `verdigris up` starts them.\n\n"
	sliceHead  = "# The %s slice. VERDIGRIS_SLICE, VERDIGRIS_RELEASE and IMAGE_TAG come from verdigris.\n\n"
)

// splitter holds a compose file while it is taken apart.
type splitter struct {
	app      string
	root     *yaml.Node
	services *yaml.Node
	// Where each service goes, in the order of the file.
	inSlice, inShared []string
	out               Split
}

// keepers are images whose containers keep data that both slices need.
var keepers = []string{"postgres", "postgis", "timescaledb", "mysql", "mariadb", "percona", "mongo", "rabbitmq", "kafka", "nats", "minio",
	"elasticsearch", "opensearch", "meilisearch", "memcached", "influxdb", "clickhouse-server", "couchdb", "cassandra"}

var redisLike = []string{"redis", "valkey", "redis-stack", "redis-stack-server", "keydb"}

func (s *splitter) classify() error {
	s.services = child(s.root, "services")
	if s.services == nil || len(s.services.Content) == 0 {
		return &deploy.InputError{Reason: "the compose file has no services"}
	}
	for name, service := range pairs(s.services) {
		if service.Kind != yaml.MappingNode {
			return &deploy.InputError{Reason: fmt.Sprintf("the service %s of the compose file has no fields", name.Value)}
		}
		image := imageName(service)
		built := child(service, "build") != nil
		switch {
		case !built && slices.Contains(redisLike, image) && s.out.Redis == "":
			s.out.Redis = name.Value
		case !built && (slices.Contains(keepers, image) || slices.Contains(redisLike, image) || s.hasNamedVolume(service)):
			s.inShared = append(s.inShared, name.Value)
		default:
			s.inSlice = append(s.inSlice, name.Value)
		}
	}
	return nil
}

// imageName returns the last part of an image's name, e.g. redis for docker.io/library/redis:8.
func imageName(service *yaml.Node) string {
	image := child(service, "image")
	if image == nil {
		return ""
	}
	name := withDefault(image.Value)
	name = name[strings.LastIndex(name, "/")+1:]
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	return name
}

func (s *splitter) hasNamedVolume(service *yaml.Node) bool {
	volumes := names(child(s.root, "volumes"))
	for _, source := range volumeSources(service) {
		if slices.Contains(volumes, source) {
			return true
		}
	}
	return false
}

// volumeSources returns what a service mounts: names of volumes, and paths.
func volumeSources(service *yaml.Node) (sources []string) {
	volumes := child(service, "volumes")
	if volumes == nil {
		return nil
	}
	for _, volume := range volumes.Content {
		if source := child(volume, "source"); source != nil {
			sources = append(sources, source.Value)
		} else if source, _, ok := strings.Cut(volume.Value, ":"); ok {
			sources = append(sources, source)
		}
	}
	return sources
}

// free returns the name, or one like it when the app has a service of that name.
func (s *splitter) free(name string) string {
	for child(s.services, name) != nil {
		name = "verdigris-" + name
	}
	return name
}

// note tells a person what to look at, once, and marks the place in the file.
func (s *splitter) note(at *yaml.Node, format string, args ...any) {
	note := fmt.Sprintf(format, args...)
	if !slices.Contains(s.out.Notes, note) {
		s.out.Notes = append(s.out.Notes, note)
	}
	if at.HeadComment != "" {
		at.HeadComment += "\n"
	}
	at.HeadComment += "# CHECK: " + note
}
