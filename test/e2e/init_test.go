package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// newcomer is a site before it knows verdigris: a repository with a Dockerfile and one docker-compose.yml.
func newcomer(t *testing.T) *site {
	t.Helper()
	s := emptySite(t)
	s.repo = s.dir
	// Behind the edge's port there are two more, which init gives to the slices.
	s.ports["edge"], s.ports["api"] = strconv.Itoa(testkit.FreePorts(keeper{t, s}, 3)), s.freePort()
	s.write("Dockerfile", "FROM scratch\nCOPY gallery /gallery\nENTRYPOINT [\"/gallery\"]\n")
	s.copyProgram(built.gallery, "gallery")
	s.write("docker-compose.yml", `services:
  web:
    build: .
    ports: ["127.0.0.1:`+s.ports["edge"]+`:9090"]
    environment: {REDIS_ADDR: "redis:6379"}
    depends_on: [redis]
    stop_grace_period: 3s
  redis:
    image: ${REDIS_IMAGE:?}
    volumes: ["data:/data"]
volumes: {data: }
`)
	s.write(".env", imagesEnv())
	s.write(".gitignore", ".env\n")
	s.git("init", "-q", "-b", "main")
	s.commit("the app as it was")
	t.Cleanup(s.remove)
	return s
}

func TestAnAppGoesLiveThroughWhatInitWrote(t *testing.T) {
	t.Parallel()
	s := newcomer(t)
	s.must("init", "--app", s.app)
	s.replace("verdigris.yml", "127.0.0.1:9000", "127.0.0.1:"+s.ports["api"]) // somebody else may have it
	s.replace("verdigris.yml", "duration: 10s", "duration: 500ms")
	s.must("config", "check")

	s.must("up")
	s.start()
	if out, code := s.command("deploy", "--switch"); code != 5 || !strings.Contains(out, "docker-compose.blue.yml is not in the repository") {
		t.Errorf("before the slices are committed: exit code %d\n%s", code, out)
	}
	s.git("add", "docker-compose.blue.yml", "docker-compose.green.yml")
	s.commit("add the slices")
	s.must("deploy", "--switch")
	s.serves(deploy.Blue)
	s.must("doctor")
	for _, slice := range []string{"blue", "green"} { // as Docker Compose reads the files too
		for file, key := range map[string]string{"shared": "internal: true", slice: "external: true"} {
			if text := testkit.Read(t, s.dir+"/docker-compose."+file+".yml"); !strings.Contains(text, "name: "+s.app+"-verdigris-"+slice) || !strings.Contains(text, key) {
				t.Errorf("the file of %s does not name the network of %s:\n%s", file, slice, text)
			}
		}
	}
	if s.addressIn(s.app+"-verdigris-blue", s.web(deploy.Blue)) == "" || s.addressIn(s.app+"-verdigris-green", s.shared("router")) == "" {
		t.Error("the router is not joined with the slices")
	}
	for i := range 3 {
		s.upload(fmt.Sprint("init", i))
	}

	s.commit("a change")
	if out := s.must("hook", "send"); !strings.Contains(out, "green is live") {
		t.Errorf("the push ended with\n%s", out)
	}
	s.serves(deploy.Green)
	s.hasPictures(3)

	s.upload("on green")
	s.must("rollback")
	s.serves(deploy.Blue)
	s.hasPictures(4)
	s.must("stop", "green")
}

// hasPictures asks the site itself: what init wrote publishes no redis.
func (s *site) hasPictures(n int) {
	s.t.Helper()
	_, body := answer(http.Get(s.edge("/")))
	if !strings.Contains(body, fmt.Sprintf(", %d images", n)) {
		s.t.Errorf("want %d pictures: %s", n, body)
	}
}
