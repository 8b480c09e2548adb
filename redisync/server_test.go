package redisync

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// testServer is a redis of its own for one test.
type testServer struct {
	*redis.Client
	address string
	path    string
	args    []string
	process *os.Process
	exited  chan struct{}
	log     *testkit.Buffer
}

// program finds a server's program. Without it the test fails, unless the environment allows to leave it out.
func program(t testing.TB, name string) string {
	t.Helper()
	testkit.NeedProgram(t, name)
	path, err := exec.LookPath(name)
	testkit.Must(t, err)
	return path
}

func startRedis(t testing.TB, options ...string) *testServer {
	t.Helper()
	return startServer(t, program(t, "redis-server"), &redis.Options{}, options...)
}

func startServer(t testing.TB, path string, client *redis.Options, options ...string) *testServer {
	t.Helper()
	port := strconv.Itoa(testkit.FreePort(t))
	s := &testServer{address: "127.0.0.1:" + port, path: path, log: &testkit.Buffer{}}
	s.args = append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", t.TempDir(), "--enable-debug-command", "yes", "--lua-time-limit", "60000"}, options...)
	s.run(t)
	client.Addr, client.Protocol, client.DisableIdentity = s.address, 2, true
	client.ReadTimeout = time.Minute
	s.Client = redis.NewClient(client)
	t.Cleanup(func() {
		s.Close()
		s.kill()
	})
	s.ready(t)
	return s
}

func (s *testServer) run(t testing.TB) {
	t.Helper()
	command := exec.Command(s.path, s.args...)
	command.Stdout, command.Stderr = s.log, s.log
	testkit.Must(t, command.Start())
	exited := make(chan struct{})
	s.process, s.exited = command.Process, exited
	go func() {
		command.Wait()
		close(exited)
	}()
}

func (s *testServer) ready(t testing.TB) {
	t.Helper()
	testkit.Eventually(t, "the server answers", func() bool {
		select {
		case <-s.exited:
			t.Fatalf("the server ended: %s", s.log.String())
		default:
		}
		err := s.Ping(t.Context()).Err()
		return err == nil || refusedAs(err, "NOAUTH", "WRONGPASS", "NOPERM")
	})
}

// restart kills the server and starts it again at the same address.
func (s *testServer) restart(t testing.TB) {
	t.Helper()
	s.kill()
	s.run(t)
	s.ready(t)
}

func (s *testServer) kill() {
	s.process.Kill()
	<-s.exited
}

// do runs a command that must succeed.
func (s *testServer) do(t testing.TB, args ...any) any {
	t.Helper()
	answer, err := s.Do(context.Background(), args...).Result()
	if err != nil && err != redis.Nil {
		t.Fatalf("%v: %v", args[0], err)
	}
	return answer
}

// pipe runs many commands that must succeed.
func (s *testServer) pipe(t testing.TB, fill func(p redis.Pipeliner)) {
	t.Helper()
	if _, err := s.Pipelined(context.Background(), func(p redis.Pipeliner) error { fill(p); return nil }); err != nil && err != redis.Nil {
		t.Fatal(err)
	}
}

// newData joins two servers: from is blue, to is green.
func newData(t testing.TB, from, to *testServer, keys ...string) *Data {
	t.Helper()
	return newDataOf(t, Side{Address: At(from.address)}, Side{Address: At(to.address)}, keys...)
}

func newDataOf(t testing.TB, blue, green Side, keys ...string) *Data {
	t.Helper()
	d, err := New(Settings{Keys: keys, Sides: map[deploy.Slice]Side{deploy.Blue: blue, deploy.Green: green}})
	testkit.Must(t, err)
	t.Cleanup(func() { d.Mirror("") }) // which ends a lookout as well
	return d
}

func begin(t testing.TB, d *Data) *transfer {
	t.Helper()
	session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	testkit.Must(t, err)
	t.Cleanup(func() { session.Close() })
	return session.(*transfer)
}

// move copies and settles, and returns both reports.
func move(t testing.TB, d *Data) (copied, settled deploy.CopyReport) {
	t.Helper()
	session := begin(t, d)
	copied, err := session.Copy(t.Context(), nil)
	testkit.Must(t, err)
	if settled, err = session.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return copied, settled
}
