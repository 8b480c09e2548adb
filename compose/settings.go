package compose

import (
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"verdigris/deploy"
)

// AddressMode says how the router reaches the web containers.
type AddressMode string

// The address modes.
const (
	// AddressContainer takes the container's own address on a network that the router is on too.
	AddressContainer AddressMode = "container"
	// AddressHost takes the port that the container publishes on this machine.
	AddressHost AddressMode = "host"
)

// Settings say what the Runtime of one app runs. Relative paths of shared and env files are relative to Dir.
type Settings struct {
	App string // names the projects: <app>-blue, <app>-green, <app>-staging, <app>-shared
	Dir string // the directory of verdigris.yml, absolute
	// SharedFiles are the compose files of the services that the slices share, merged in this order.
	SharedFiles []string
	// SliceFiles are the compose files of each slice, relative to the checkout of the release.
	SliceFiles map[deploy.Slice][]string
	// EnvFiles set variables for interpolation; a later file wins. The checkout's own .env fills what they leave unset.
	EnvFiles []string
	Profiles []string
	// CABundle is a file of certificates that every build by BuildKit is offered as the secret ca-bundle; empty for none.
	CABundle string
	// Web is the service that answers requests, Ports the container port that it listens on in each slice.
	Web     string
	Ports   map[deploy.Slice]int
	Address AddressMode
	// Needs are the shared services that verdigris.yml names; the shared files must have them.
	Needs []string
	// Router is the shared service that runs the router; empty when the router is not a container of ours.
	Router string
	// RouterElsewhere says that the router runs in a container that somebody else has made. It reaches slices by their route
	// networks only once somebody has connected it to them.
	RouterElsewhere bool
	// Pool is what the subnets of the networks between router and slices are cut from; not valid for the engine to choose.
	Pool netip.Prefix
}

// Runtime runs the slices and the shared services of one app. It satisfies deploy.Runtime.
type Runtime struct {
	engine   *Engine
	settings Settings
	// Settle is how long a container without a healthcheck must have run to count as started.
	Settle time.Duration
	// HealthTimeout bounds the wait for one container to become healthy or to complete.
	HealthTimeout time.Duration
	// CleanupTimeout bounds each step of taking back a failed start, such as bringing back one container.
	CleanupTimeout time.Duration
	attaching      routeLock
}

var _ deploy.Runtime = (*Runtime)(nil)

// New returns the runtime of one app on that engine.
func New(engine *Engine, settings Settings) *Runtime {
	if settings.Address == "" {
		settings.Address = AddressContainer
	}
	return &Runtime{
		engine:         engine,
		settings:       settings,
		Settle:         300 * time.Millisecond,
		HealthTimeout:  5 * time.Minute,
		CleanupTimeout: time.Minute,
		attaching:      routeLock{dir: settings.Dir},
	}
}

// Project returns the name of the slice's compose project.
func (s Settings) Project(slice deploy.Slice) string { return s.App + "-" + string(slice) }

// SharedProject returns the name of the compose project of the shared services.
func (s Settings) SharedProject() string { return s.App + "-shared" }

// under makes the paths absolute: relative ones lie under dir.
func under(dir string, paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		out[i] = p
	}
	return out
}

// bases are the names of files without their directories.
func bases(files []string) string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = filepath.Base(f)
	}
	return strings.Join(names, ", ")
}
