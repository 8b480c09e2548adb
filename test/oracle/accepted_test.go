package oracle

import (
	"strings"
	"sync"

	"github.com/moby/moby/client/pkg/versions"
)

// acceptance is one difference that is meant. None may concern what a running application sees or does.
type acceptance struct {
	path string // as in difference.path, joined by /; a part that ends with * stands for all that begin so
	sdk  string // its value; empty for any
	ours string
	why  string
	// below is the first version of the Docker API without the difference; empty where all engines show it.
	below string
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
	{path: "container/HostConfig/VolumesFrom", why: readOnly},
	{path: "container/Mounts/*/RW", sdk: "true", ours: "false", why: readOnly},
	{path: "container/Config/MacAddress", sdk: absent, why: wholeMAC, below: "1.44"},
	{path: "container/NetworkSettings/Networks/*/MacAddress", sdk: absent, why: wholeMAC, below: "1.44"},
	{path: "container/Config/Env/VERDIGRIS_*", sdk: absent, why: injected},
	{path: "container/Config/Env/IMAGE_TAG", sdk: absent, why: injected},
}

// injected are the variables that every container of a slice has.
const injected = "a slice is told which one it is and which release it runs; the shared services are not"

// readOnly is about volumes_from: service:ro.
const readOnly = "the file asks for the volumes of another service read-only; Compose " + sdkVersion + " loses that on the way"

// wholeMAC is about the address that a file asks for.
const wholeMAC = "before API 1.44 an engine takes one address for the whole container; Compose asks for it in a way that these do not know, and it is lost"

// shows tells whether the engine is one on which there is the difference.
func (a acceptance) shows() bool {
	return a.below == "" || versions.LessThan(docker.ClientVersion(), a.below)
}

// usage counts which entries of accepted were needed.
type usage struct {
	mu   sync.Mutex
	used map[int]bool
}

// left returns the differences that no entry accepts.
func (u *usage) left(list []difference) []difference {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []difference
	for _, d := range list {
		i := acceptedBy(d)
		if i < 0 {
			out = append(out, d)
			continue
		}
		if u.used == nil {
			u.used = map[int]bool{}
		}
		u.used[i] = true
	}
	return out
}

func acceptedBy(d difference) int {
	for i, a := range accepted {
		if a.matches(d) {
			return i
		}
	}
	return -1
}

func (a acceptance) matches(d difference) bool {
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
