package redisync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/internal/testkit"
)

// containers are servers of other versions than the installed one, in containers that one test after another uses.
var containers struct {
	mu   sync.Mutex
	free map[string][]string // the names of containers by their images
	all  []string
}

// newerRedis has a redis that is newer than the installed one.
func newerRedis(t *testing.T) *testServer {
	t.Helper()
	return borrow(t, testkit.Image(t, "REDIS_IMAGE"), "redis-server")
}

func valkey(t *testing.T) *testServer {
	t.Helper()
	if path, err := exec.LookPath("valkey-server"); err == nil {
		return startServer(t, path, &redis.Options{})
	}
	return borrow(t, testkit.Image(t, "VALKEY_IMAGE"), "valkey-server")
}

// borrow gives the test a server from an image, empty and for itself alone. Nothing is pulled.
func borrow(t *testing.T, image, program string) *testServer {
	t.Helper()
	name := freeContainer(image)
	if name == "" {
		name = startContainer(t, image, program)
	}
	s := &testServer{address: containerAddress(t, name)}
	s.Client = redis.NewClient(&redis.Options{Addr: s.address, Protocol: 2, DisableIdentity: true, ReadTimeout: time.Minute})
	t.Cleanup(func() { s.Close() })
	testkit.Eventually(t, "the container's server answers", func() bool { return s.Ping(context.Background()).Err() == nil })
	t.Cleanup(func() {
		if !t.Failed() { // what failed may have left anything
			s.reset(t)
			giveBack(image, name)
		}
	})
	return s
}

// reset removes all that a test may have left on a server: data, a fence and our user.
func (s *testServer) reset(t testing.TB) {
	t.Helper()
	s.do(t, "ACL", "SETUSER", "default", "reset", "on", "nopass", "~*", "&*", "+@all")
	s.do(t, "ACL", "DELUSER", fenceUser)
	s.do(t, "FLUSHALL")
}

func startContainer(t *testing.T, image, program string) (name string) {
	t.Helper()
	name = fmt.Sprintf("verdigris-redisync-%x", rand.Uint64())
	testkit.Docker(t, "run", "--detach", "--rm", "--pull", "never", "--name", name, image,
		program, "--save", "", "--protected-mode", "no", "--port", "6379", "--lua-time-limit", "60000")
	containers.mu.Lock()
	defer containers.mu.Unlock()
	containers.all = append(containers.all, name)
	return name
}

func containerAddress(t *testing.T, name string) string {
	t.Helper()
	return testkit.Docker(t, "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name) + ":6379"
}

func freeContainer(image string) (name string) {
	containers.mu.Lock()
	defer containers.mu.Unlock()
	free := containers.free[image]
	if len(free) == 0 {
		return ""
	}
	containers.free[image] = free[1:]
	return free[0]
}

func giveBack(image, name string) {
	containers.mu.Lock()
	defer containers.mu.Unlock()
	if containers.free == nil {
		containers.free = map[string][]string{}
	}
	containers.free[image] = append(containers.free[image], name)
}

// removeContainers ends the servers in containers, once all tests are over.
func removeContainers() {
	if len(containers.all) > 0 {
		exec.Command("docker", append([]string{"rm", "--force", "--volumes"}, containers.all...)...).Run()
	}
}
