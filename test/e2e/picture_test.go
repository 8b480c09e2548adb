package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// picture is all that a test may have changed of a site, as text: what runs, what is live, what the redis hold and how
// they are set, and the files.
func (s *site) picture() string {
	s.t.Helper()
	var lines []string
	lines = append(lines, s.dockerLines()...)
	lines = append(lines, s.statusLines()...)
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		lines = append(lines, s.redisLines(slice)...)
	}
	lines = append(lines, s.fileLines()...)
	return strings.Join(lines, "\n")
}

// difference has the lines that one of two pictures has alone.
func difference(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	var lines []string
	for _, line := range a {
		if !slices.Contains(b, line) {
			lines = append(lines, "- "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			lines = append(lines, "+ "+line)
		}
	}
	return strings.Join(lines, "\n")
}

// aContainer is what of a container is the same after it has been replaced by another one of the same release.
const aContainer = `container {{.Name}} of {{.Config.Image}} is {{.State.Status}}, {{.HostConfig.RestartPolicy.Name}}` +
	`{{range $name, $in := .NetworkSettings.Networks}}, in {{$name}} as {{$in.Aliases}}{{end}}`

// idOfContainer is what the Engine adds to its names in a network.
var idOfContainer = regexp.MustCompile(`\b[0-9a-f]{12}\b`)

func (s *site) dockerLines() []string {
	s.t.Helper()
	list := func(args ...string) []string {
		return strings.Fields(testkit.Docker(s.t, append(args, "--filter", "name="+s.app)...))
	}
	containers := testkit.Docker(s.t, append([]string{"inspect", "-f", aContainer}, list("ps", "-aq")...)...)
	lines := strings.Split(idOfContainer.ReplaceAllString(containers, "its id"), "\n")
	slices.Sort(lines)
	for _, what := range []string{"network", "volume"} {
		lines = append(lines, what+"s: "+strings.Join(list(what, "ls", "--format", "{{.Name}}"), " "))
	}
	return lines
}

func (s *site) statusLines() []string {
	s.t.Helper()
	status := s.status()
	lines := []string{
		fmt.Sprintf("%s is live with %s, the way back is %q", status.Live, status.Route.Commit, status.Previous),
		fmt.Sprintf("running %v, queued %v", status.Running, status.Queued),
		fmt.Sprintf("mirroring %t: %s from %s to %s", status.Mirroring, status.Mirror.State, status.Mirror.From, status.Mirror.To),
		"tokens: " + s.must("token", "list"),
	}
	for _, slice := range status.Slices {
		lines = append(lines, fmt.Sprintf("%s has %q in %d containers", slice.Slice, slice.Commit, len(slice.Containers)))
	}
	response, err := http.Get(s.edge("/health"))
	testkit.Must(s.t, err)
	response.Body.Close()
	lines = append(lines, fmt.Sprintf("the edge answers %s from %s", response.Status, response.Header.Get("X-Verdigris-Slice")))
	for _, name := range []string{"green", "staging"} {
		if l, err := net.Listen("tcp", "127.0.0.1:"+s.ports[name]); err != nil {
			lines = append(lines, "the port of "+name+" is taken")
		} else {
			l.Close()
		}
	}
	return lines
}

// keys are those of a redis but verdigris's own, which end by themselves.
func (s *site) keys(client *redis.Client) []string {
	s.t.Helper()
	all, err := client.Keys(context.Background(), "*").Result()
	testkit.Must(s.t, err)
	return slices.DeleteFunc(all, func(key string) bool {
		return strings.HasPrefix(key, "__verdigris:") && key != "__verdigris:fence"
	})
}

func (s *site) redisLines(slice deploy.Slice) []string {
	s.t.Helper()
	ctx, client := context.Background(), s.redis(slice)
	settings, err := client.ConfigGet(ctx, "*").Result()
	testkit.Must(s.t, err)
	users, err := client.ACLList(ctx).Result()
	testkit.Must(s.t, err)
	lines := []string{"keys " + strings.Join(slices.Sorted(slices.Values(s.keys(client))), " ")}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		lines = append(lines, name+" "+settings[name])
	}
	for _, user := range users {
		if !strings.HasPrefix(user, "user verdigris ") { // it stays where there was a fence once
			lines = append(lines, user)
		}
	}
	for i := range lines {
		lines[i] = "redis of " + string(slice) + ": " + lines[i]
	}
	return lines
}

// changing is what differs from one nginx configuration to the next of the same route: numbers, and the comment that says
// what the status says too.
var changing = regexp.MustCompile(`(?m)^#.*$|[0-9]+`)

// passing are files that go by themselves: the sign of a hold that is over, with the last worker that may look for it, and
// what a verdigris that was killed was about to test.
var passing = regexp.MustCompile(`^hold\.|candidate`)

func (s *site) fileLines() []string {
	s.t.Helper()
	var lines []string
	for _, name := range []string{"verdigris.yml", ".env", "secret", "docker-compose.shared.yml", ".current-env"} {
		lines = append(lines, fmt.Sprintf("%s %x", name, sha256.Sum256([]byte(testkit.Read(s.t, filepath.Join(s.dir, name))))))
	}
	configuration, err := filepath.Glob(filepath.Join(s.dir, ".verdigris/apps", s.app, "nginx/*"))
	testkit.Must(s.t, err)
	for _, path := range configuration {
		if passing.MatchString(filepath.Base(path)) {
			continue
		}
		content := changing.ReplaceAllString(testkit.Read(s.t, path), "")
		lines = append(lines, fmt.Sprintf("%s %x", filepath.Base(path), sha256.Sum256([]byte(content))))
	}
	lines = append(lines, "checked out: "+s.git("rev-parse", "HEAD"), "changed: "+s.git("status", "--porcelain", "--ignored"))
	for mount := range strings.Lines(testkit.Read(s.t, "/proc/self/mountinfo")) {
		if strings.Contains(mount, s.dir+"/") {
			lines = append(lines, "mounted: "+mount)
		}
	}
	return append(lines, "serve has read: "+s.runs)
}

func TestPicture_ShowsWhatATestLeavesBehind(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	ctx, green, left := context.Background(), s.redis(deploy.Green), s.app+"-left"

	testkit.Docker(t, "create", "--name", left, testkit.ImageName("REDIS_IMAGE"))
	testkit.Docker(t, "network", "create", left)
	testkit.Must(t, green.Set(ctx, "left", "a key", 0).Err())
	testkit.Must(t, green.ConfigSet(ctx, "maxmemory", "100mb").Err())
	testkit.Must(t, green.ACLSetUser(ctx, "left", "on").Err())
	s.write("repo/left", "a file")
	s.write(".env", imagesEnv()+"LEFT=1\n")
	s.must("token", "create", "left")
	s.must("mirror", "off")
	port, err := net.Listen("tcp", "127.0.0.1:"+s.ports["green"])
	testkit.Must(t, err)
	s.restart(deadline("9s"))
	got := difference(s.whenGood, s.picture())

	testkit.Contains(t, got,
		"+ container /"+left, "+ networks: "+s.app+" "+left, "+ redis of green: keys left", "+ redis of green: maxmemory 104857600",
		"+ redis of green: user left on", "+ changed: ?? left", "- .env ", "+ .env ", "+ tokens: NAME", "+ mirroring false: off",
		"+ the port of green is taken", "- verdigris.yml ", "deadline: 9s")

	testkit.Docker(t, "rm", left)
	testkit.Docker(t, "network", "rm", left)
	testkit.Must(t, green.ConfigSet(ctx, "maxmemory", "0").Err())
	testkit.Must(t, green.ACLDelUser(ctx, "left").Err())
	s.write(".env", imagesEnv())
	s.must("token", "revoke", "left")
	s.must("mirror", "on")
	testkit.Must(t, port.Close())
}
