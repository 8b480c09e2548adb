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
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// dockerLine stands between verdigris and the Docker Engine, so that a test can cut it or make it slow.
type dockerLine struct {
	path  string
	mu    sync.Mutex
	open  map[net.Conn]bool
	cut   bool
	delay time.Duration // of whatever goes to the engine
}

func newDockerLine(t *testing.T) *dockerLine {
	t.Helper()
	l := &dockerLine{path: filepath.Join(testkit.ShortDir(t), "docker.sock"), open: map[net.Conn]bool{}}
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
	done.Go(func() { _, _ = io.Copy(slowly{engine, l}, client); _ = engine.(*net.UnixConn).CloseWrite() })
	_, _ = io.Copy(client, engine)
	_ = client.(*net.UnixConn).CloseWrite()
	done.Wait()
}

// slowly passes on what is written after the line's delay.
type slowly struct {
	io.Writer
	line *dockerLine
}

func (s slowly) Write(p []byte) (int, error) {
	s.line.mu.Lock()
	delay := s.line.delay
	s.line.mu.Unlock()
	time.Sleep(delay) // this is how slow it is
	return s.Writer.Write(p)
}

// setDelay makes the line slow for what is sent from now on.
func (l *dockerLine) setDelay(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
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
	t.Parallel()
	line := newDockerLine(t)
	s := goodSite(t, func(s *site) { s.env = []string{"DOCKER_HOST=unix://" + line.path} })

	s.write("repo/app/Dockerfile", "FROM "+testkit.ImageName("BASE_IMAGE")+"\nRUN echo building && sleep 600\nCOPY gallery /gallery\nENTRYPOINT [\"/gallery\"]\n")
	id := s.pushed(s.commit("a slow build"))
	s.untilPhase(id, deploy.PhaseBuild)
	line.setCut(true)
	d := s.want(s.ended(id), deploy.StateAborted)
	s.explains(d, deploy.PhaseBuild, "Docker")
	s.serves(deploy.Blue)
	if status, _ := s.try(http.MethodGet, "/health", ""); status != http.StatusOK {
		t.Errorf("verdigris itself does not answer: %d", status)
	}
	line.setCut(false)
	s.recovers()
}

func TestABuildThatRunsOutOfSpaceIsSaidToHaveRunOutOfSpace(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	// /dev/shm of a build has 64 MB, and fills as any other disk does.
	s.write("repo/app/Dockerfile", "FROM "+testkit.ImageName("BASE_IMAGE")+"\nRUN dd if=/dev/zero of=/dev/shm/full bs=1M count=200\nCOPY gallery /gallery\n")
	s.aborted(s.commit("a greedy build"), deploy.PhaseBuild, "No space left on device", "disk")
	s.recovers()
}

func TestAnEngineThatIsNotThereIsNamedAtStart(t *testing.T) {
	t.Parallel()
	s := emptySite(t)
	defer s.release()
	s.env = []string{"DOCKER_HOST=unix://" + filepath.Join(s.dir, "nothing.sock")}
	s.ports["edge"], s.ports["api"] = s.freePort(), s.freePort()
	s.write("verdigris.yml", s.config())
	s.write("secret", "a secret")
	s.write("docker-compose.shared.yml", "services: {}")
	s.write(".env", "")
	s.write("repo/README", "")
	testkit.Must(t, os.Chmod(filepath.Join(s.dir, "secret"), 0o600))
	out, code := s.command("serve")
	if code == 0 || !strings.Contains(out, "Docker") || !strings.Contains(out, "nothing.sock") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
