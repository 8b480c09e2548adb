package redisync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// startImage runs a server from an image that the machine has; nothing is pulled.
func startImage(t *testing.T, image, program string) *testServer {
	t.Helper()
	name := fmt.Sprintf("verdigris-redisync-%x", rand.Uint64())
	docker(t, "run", "--detach", "--rm", "--pull", "never", "--name", name, image,
		program, "--save", "", "--protected-mode", "no", "--port", "6379")
	t.Cleanup(func() { exec.Command("docker", "rm", "--force", "--volumes", name).Run() })
	ip := docker(t, "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
	s := &testServer{address: ip + ":6379"}
	s.Client = redis.NewClient(&redis.Options{Addr: s.address, Protocol: 2, DisableIdentity: true, ReadTimeout: time.Minute})
	t.Cleanup(func() { s.Close() })
	eventually(t, "the container's server answers", func() bool { return s.Ping(context.Background()).Err() == nil })
	return s
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v: %s", args[0], err, out)
	}
	return strings.TrimSpace(string(out))
}

// image finds the image that the variable names, the usual one, or the stand-in that is built where no registry can
// be reached.
func image(t *testing.T, variable string, names ...string) string {
	t.Helper()
	for _, name := range append([]string{os.Getenv(variable)}, names...) {
		if name != "" && exec.Command("docker", "image", "inspect", name).Run() == nil {
			return name
		}
	}
	missing(t, fmt.Sprintf("there is neither an image that %s names nor %s: scripts/images.sh --tests gets them", variable, strings.Join(names, " nor ")))
	return ""
}

// newerRedis has a redis that is newer than the installed one.
func newerRedis(t *testing.T) *testServer {
	t.Helper()
	return startImage(t, image(t, "REDIS_IMAGE", "redis:8", "verdigris-local/redis"), "redis-server")
}

func valkey(t *testing.T) *testServer {
	t.Helper()
	if path, err := exec.LookPath("valkey-server"); err == nil {
		return startServer(t, path, &redis.Options{})
	}
	return startImage(t, image(t, "VALKEY_IMAGE", "valkey/valkey:8", "verdigris-local/valkey"), "valkey-server")
}

func TestKeysMoveToANewerRedis(t *testing.T) {
	from, to := startRedis(t), newerRedis(t)
	everything(t, from, "")
	_, settled := move(t, newData(t, from, to, "*"))
	requireEqual(t, from, to)
	if settled.Keys != 0 {
		t.Errorf("settling copied %d keys that were equal", settled.Keys)
	}
}

func TestKeysMoveToAnOlderRedisElementByElement(t *testing.T) {
	from, to := newerRedis(t), startRedis(t)
	everything(t, from, "")
	from.do(t, "DEL", "stream", "stream:large", "stream:emptied")
	session := begin(t, newData(t, from, to, "*"))
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if session.payloads.Load() {
		t.Error("the older server took the newer one's payloads: the test proves nothing")
	}
	settled, err := session.Settle(t.Context())
	if err != nil || settled.Keys != 0 {
		t.Errorf("settling copied %d keys that were equal: %v", settled.Keys, err)
	}
	requireEqual(t, from, to)
}

func TestAStreamThatAnOlderRedisCannotTakeIsNamed(t *testing.T) {
	from, to := newerRedis(t), startRedis(t)
	from.do(t, "XADD", "events", "*", "a", "b")
	_, err := begin(t, newData(t, from, to, "*")).Copy(t.Context(), nil)
	requireExplained(t, err, `"events"`, "stream", "redis of green", "same version")
}

func TestExpiriesOfHashFieldsAreKept(t *testing.T) {
	from, to := newerRedis(t), newerRedis(t)
	at := time.Now().Add(time.Hour).UnixMilli()
	fill := func() {
		from.pipe(t, func(p redis.Pipeliner) {
			for i := range 5000 {
				p.HSet(t.Context(), "large", fmt.Sprint("f", i), item(i, 40))
			}
			p.HSet(t.Context(), "small", "a", "1", "b", "2")
			p.Do(t.Context(), "HPEXPIREAT", "large", at, "FIELDS", 2, "f1", "f4000")
			p.Do(t.Context(), "HPEXPIREAT", "small", at+5, "FIELDS", 1, "b")
		})
	}
	fill()
	session := begin(t, newData(t, from, to, "*"))
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	requireFieldExpiry(t, to, "large", "f4000", at)
	requireFieldExpiry(t, to, "small", "b", at+5)
	requireEqual(t, from, to)

	from.do(t, "HPEXPIREAT", "large", at+9, "FIELDS", 1, "f7")
	to.do(t, "HPERSIST", "small", "FIELDS", 1, "b")
	settled, err := session.Settle(t.Context())
	if err != nil || settled.Keys != 2 {
		t.Errorf("settling copied %d keys: %v", settled.Keys, err)
	}
	requireFieldExpiry(t, to, "large", "f7", at+9)
	requireFieldExpiry(t, to, "small", "b", at+5)

	_, err = begin(t, newData(t, from, startRedis(t), "small")).Copy(t.Context(), nil)
	requireExplained(t, err, `"small"`, "expiry of single hash fields", "same version")
}

func requireFieldExpiry(t *testing.T, s *testServer, key, field string, want int64) {
	t.Helper()
	if got := s.HPExpireTime(t.Context(), key, field).Val(); len(got) != 1 || got[0] != want {
		t.Errorf("field %s of %s ends at %v, not %d", field, key, got, want)
	}
}

func TestKeysMoveBetweenRedisAndValkey(t *testing.T) {
	other := valkey(t)
	here := startRedis(t)
	everything(t, here, "")
	move(t, newData(t, here, other, "*"))
	requireEqual(t, here, other)
	back := startRedis(t)
	if other.Info(t.Context(), "server").Val() == "" {
		t.Fatal("valkey tells nothing of itself")
	}
	other.do(t, "DEL", "stream", "stream:large", "stream:emptied")
	move(t, newData(t, other, back, "*"))
	requireEqual(t, other, back)
}
