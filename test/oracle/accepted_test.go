package oracle

import (
	"slices"
	"strings"
	"sync"

	"github.com/moby/moby/client/pkg/versions"

	"verdigris/deploy"
)

// acceptance is one difference that is meant. None may concern what a running application sees or does.
type acceptance struct {
	path string // as in difference.path, joined by /; a part that ends with * stands for all that begin so
	sdk  string // its value; empty for any
	ours string
	why  string

	sliced bool   // slices alone have it
	in     string // the one project that has it; empty for any
	below  string // the API of the first engines that do not have it; empty for none
}

// accepted are all differences that are meant. An entry that no project of the corpus shows any more fails the test.
var accepted = []acceptance{
	{
		path: "container/Config/Labels/verdigris.*", sdk: absent,
		why: "verdigris knows by these labels what is its own",
	},
	{
		path: "network/Labels/verdigris.*", sdk: absent,
		why: "verdigris knows by these labels what is its own",
	},
	{
		path: "volume/Labels/verdigris.*", sdk: absent,
		why: "verdigris knows by these labels what is its own",
	},
	{
		path: "container/Config/Labels/com.docker.compose.image.builder", sdk: `"classic"`, ours: absent,
		why: "verdigris builds through BuildKit, for which Compose needs a plugin; without it Compose marks what it builds",
	},
	{path: "container/HostConfig/VolumesFrom", why: readOnly, in: "features/volumes-from"},
	{path: "container/Mounts/*/RW", sdk: "true", ours: "false", why: readOnly, in: "features/volumes-from"},
	{path: "container/Config/MacAddress", sdk: absent, why: wholeMAC, below: "1.44"},
	{path: "container/NetworkSettings/Networks/*/MacAddress", sdk: absent, why: wholeMAC, below: "1.44"},
	{path: "container/Config/Env/VERDIGRIS_*", sdk: absent, why: injected, sliced: true},
	{path: "container/Config/Env/IMAGE_TAG", sdk: absent, why: injected, sliced: true},
	{
		path: "container/Config/Image", sliced: true,
		why: "what a release has built is named after its commit, so that the other slice and a rollback find theirs",
	},
}

// injected are the variables that every container of a slice has.
const injected = "a slice is told which one it is and which release it runs; the shared services are not"

// readOnly is about volumes_from: service:ro.
const readOnly = "the file asks for the volumes of another service read-only; Compose " + sdkVersion + " loses that on the way"

// wholeMAC is about the address that a file asks for.
const wholeMAC = "before API 1.44 an engine takes one address for the whole container; Compose asks for it in a way that these do not know, and it is lost"

// usage counts which entries of accepted were needed.
type usage struct {
	mu   sync.Mutex
	used map[int]bool // by index
}

// left returns the differences of a project that no entry accepts.
func (u *usage) left(list []difference, project string, slice deploy.Slice) []difference {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.DeleteFunc(list, func(d difference) bool {
		i := slices.IndexFunc(accepted, func(a acceptance) bool { return a.matches(d, project, slice) })
		if i >= 0 {
			u.used[i] = true
		}
		return i >= 0
	})
}

// shows tells whether the engine is one on which there is the difference.
func (a acceptance) shows() bool {
	return a.below == "" || versions.LessThan(docker.ClientVersion(), a.below)
}

func (a acceptance) matches(d difference, project string, slice deploy.Slice) bool {
	if !a.shows() || a.sliced && slice == "" || a.in != "" && a.in != project {
		return false
	}
	parts := strings.Split(a.path, "/")
	if len(parts) != len(d.path) || a.sdk != "" && a.sdk != d.sdk || a.ours != "" && a.ours != d.ours {
		return false
	}
	for i, part := range parts {
		prefix, open := strings.CutSuffix(part, "*")
		if part != d.path[i] && !(open && strings.HasPrefix(d.path[i], prefix)) {
			return false
		}
	}
	return true
}
