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
	path string // as in difference.path, joined by /; * in a part stands for any text
	sdk  string // its value; empty for any
	ours string
	why  string

	whole  bool   // whatever lies below the path belongs to it
	object string // as in difference.object, with *; empty for any
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
	{path: "container/NetworkSettings/Networks/*-verdigris-*", whole: true, sdk: absent, why: routed},
	{path: "network/itself", object: "network *-verdigris-*", sdk: absent, ours: "there", why: routed, in: undeclared},
	{path: "network/IPAM/Config", object: "network *-verdigris-*", why: placed, in: declared},
	{path: "network/Labels/com.docker.compose.config-hash", object: "network *-verdigris-*", ours: absent, why: placed, in: declared},
	{path: "container/NetworkSettings/Networks/*-verdigris-*/*", whole: true, ours: absent, why: "nobody has a name in this network", in: declared},
}

// The projects that have a router: with and without the networks in their file.
const (
	undeclared = "features/route-networks"
	declared   = "features/route-networks-named"
)

// routed is about files that do not name the networks of docs/compose.md.
const routed = "the router and the web containers of a slice are joined to a network between them, which the file may name as well"

// placed is about files that do.
const placed = "verdigris makes this network itself, with a range in which containers can have addresses that stay"

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
	if len(parts) > len(d.path) || len(parts) < len(d.path) && !a.whole || a.sdk != "" && a.sdk != d.sdk || a.ours != "" && a.ours != d.ours {
		return false
	}
	for i, part := range parts {
		if !fits(part, d.path[i]) {
			return false
		}
	}
	return a.object == "" || fits(a.object, d.object)
}

// fits reports whether the text is as the pattern has it, in which * stands for any text.
func fits(pattern, text string) bool {
	begin, rest, open := strings.Cut(pattern, "*")
	text, ok := strings.CutPrefix(text, begin)
	if !ok || !open {
		return ok && text == ""
	}
	for i := range len(text) + 1 {
		if fits(rest, text[i:]) {
			return true
		}
	}
	return false
}
