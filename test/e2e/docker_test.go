package e2e

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"verdigris/deploy"
)

// dockerLine stands between verdigris and the Docker Engine, so that a test can cut it.
type dockerLine struct {
	path string
	mu   sync.Mutex
	open map[net.Conn]bool
	cut  bool
}

func newDockerLine(t *testing.T) *dockerLine {
	t.Helper()
	l := &dockerLine{path: filepath.Join(shortDir(t), "docker.sock"), open: map[net.Conn]bool{}}
	listener, err := net.Listen("unix", l.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close(); l.setCut(true) })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.join(conn)
		}
	}()
	return l
}

func (l *dockerLine) join(client net.Conn) {
	defer client.Close()
	engine, err := net.Dial("unix", "/var/run/docker.sock")
	if err != nil {
		return
	}
	defer engine.Close()
	if !l.add(client, engine) {
		return
	}
	defer l.drop(client, engine)
	var done sync.WaitGroup
	done.Go(func() { _, _ = io.Copy(engine, client); _ = engine.(*net.UnixConn).CloseWrite() })
	_, _ = io.Copy(client, engine)
	_ = client.(*net.UnixConn).CloseWrite()
	done.Wait()
}

func (l *dockerLine) add(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.open[c] = true
	}
	return !l.cut
}

func (l *dockerLine) drop(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		delete(l.open, c)
	}
}

// setCut ends all connections and refuses new ones, as an Engine does that is being restarted, or lets them through again.
func (l *dockerLine) setCut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	for c := range l.open {
		c.Close()
	}
}

func TestAnEngineThatGoesAwayInTheMiddleAbortsAndTheNextPushSucceeds(t *testing.T) {
	line := newDockerLine(t)
	t.Setenv("DOCKER_HOST", "unix://"+line.path)
	s := newSite(t).blueLive()
	s.git("tag", "good")
	t.Setenv("DOCKER_HOST", "")

	s.write("repo/app/Dockerfile", "FROM "+imageOf("BASE_IMAGE")+"\nRUN echo building && sleep 20\nCOPY gallery /gallery\nENTRYPOINT [\"/gallery\"]\n")
	status, body := s.deliver(s.commit("a slow build"), "")
	if status != http.StatusAccepted {
		t.Fatalf("push: status %d: %s", status, body)
	}
	s.untilPhase(2, deploy.PhaseBuild)
	line.setCut(true)
	d := s.want(s.ended(2), deploy.StateAborted)
	s.explains(d, deploy.PhaseBuild, "Docker")
	s.serves(deploy.Blue)
	if status, _ := s.try(http.MethodGet, "/health", ""); status != http.StatusOK {
		t.Errorf("verdigris itself does not answer: %d", status)
	}
	line.setCut(false)
	s.recovers()
}

func TestABuildThatRunsOutOfSpaceIsSaidToHaveRunOutOfSpace(t *testing.T) {
	s := goodSite(t)
	// /dev/shm of a build has 64 MB, and fills as any other disk does.
	s.write("repo/app/Dockerfile", "FROM "+imageOf("BASE_IMAGE")+"\nRUN dd if=/dev/zero of=/dev/shm/full bs=1M count=200\nCOPY gallery /gallery\n")
	s.aborted(s.commit("a greedy build"), deploy.PhaseBuild, "No space left on device", "disk")
	s.recovers()
}

func TestAnEngineThatIsNotThereIsNamedAtStart(t *testing.T) {
	dir := shortDir(t)
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(dir, "nothing.sock"))
	s := &site{t: t, app: "nosite", dir: dir, ports: map[string]string{"edge": freePort(t), "api": freePort(t)}}
	s.write("verdigris.yml", s.config())
	s.write("secret", "a secret")
	s.write("docker-compose.shared.yml", "services: {}")
	s.write(".env", "")
	s.write("repo/README", "")
	if err := os.Chmod(filepath.Join(dir, "secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := s.command("serve")
	if code == 0 || !strings.Contains(out, "Docker") || !strings.Contains(out, "nothing.sock") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
