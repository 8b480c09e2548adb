package compose

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// mustBuild builds blue and returns the ids of its images.
func (s *site) mustBuild() map[string]string {
	s.t.Helper()
	rel, err := s.Build(s.t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.said())
	}
	return rel.Images
}

// command runs a command on this machine and returns what it printed.
func command(t testing.TB, dir string, words ...string) string {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v: %s", words, err, out)
	}
	return string(out)
}

func TestABuildTakesAdditionalContexts(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `
services:
  web:
    build:
      context: app
      additional_contexts: {files: ./more, base: "service:base", plain: "docker-image://`+debian+`"}
      dockerfile_inline: |
        ARG SOME=thing
        FROM base
        COPY --from=files . /files
        COPY --from=plain /etc/debian_version /version
        RUN test -e /of-base && test -e /files/kept && test ! -e /files/dropped && test -s /version
  base:
    build: {context: app, dockerfile_inline: "FROM `+debian+`\nRUN touch /of-base\n"}
`)
	s.write("app/file", "")
	s.write("more/kept", "")
	s.write("more/dropped", "")
	s.write("more/.dockerignore", "dropped\n")
	s.mustBuild()
}

func TestAContextWithTheNameOfAStageIsRefusedWhereItCannotBe(t *testing.T) {
	_, err := addStages([]byte("FROM x\nFROM y as Files\n"), map[string]string{"files": "image"})
	testkit.ErrorContains(t, err, "line 2: stage files has the name of an additional context", "Docker Engine 23")
	_, err = addStages([]byte("FROM x\n"), map[string]string{"docker.io/library/alpine": "image"})
	testkit.ErrorContains(t, err, "additional context docker.io/library/alpine has no name that a stage could have")
	text, err := addStages([]byte("# syntax=x\nARG A\nfrom x\nRUN y\n"), map[string]string{"b": "2", "a": "1"})
	if want := "# syntax=x\nARG A\nFROM 1 AS a\nFROM 2 AS b\nfrom x\nRUN y\n"; err != nil || string(text) != want {
		t.Errorf("the Dockerfile is %q, %v", text, err)
	}
}

func TestBuildKitForwardsSSH(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `
services:
  web:
    build:
      context: .
      ssh: ["default${KEY}"]
      dockerfile_inline: |
        FROM `+debian+`
        COPY --chmod=755 ask /ask
        RUN --mount=type=ssh /ask | grep -a ssh-ed25519
`)
	// the agent's protocol: list the identities
	s.write("ask", `#!/usr/bin/perl
use IO::Socket::UNIX;
my $agent = IO::Socket::UNIX->new(Peer => $ENV{SSH_AUTH_SOCK}) or die "no agent";
print $agent pack("NC", 1, 11);
$agent->flush;
read $agent, my $length, 4;
read $agent, my $answer, unpack "N", $length;
print $answer;
`)
	key := filepath.Join(s.dir, "key")
	command(t, s.dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	startAgent(t, key)
	for _, from := range []string{"", "=" + key} {
		s.write(".env", "KEY="+from+"\n")
		if _, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), true, s.log); err != nil {
			t.Errorf("with default%s: %v\n%s", from, err, s.said())
		}
	}
}

// startAgent runs an ssh agent that holds the key, where the environment says.
func startAgent(t *testing.T, key string) {
	t.Helper()
	cmd := exec.Command("ssh-agent", "-D", "-a", agentSocket())
	testkit.Must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	testkit.Eventually(t, "the agent's socket", func() bool { _, err := os.Stat(agentSocket()); return err == nil })
	command(t, "", "ssh-add", key)
}

func buildKitOf(t *testing.T, e *Engine) *buildKit {
	t.Helper()
	b, err := e.openBuildKit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

func TestAContextMayBeAGitRepository(t *testing.T) {
	t.Parallel()
	e := connected(t)
	repository := t.TempDir()
	command(t, repository, "git", "init", "-q", "-b", "main", "work")
	work := filepath.Join(repository, "work")
	for name, content := range map[string]string{
		"sub/Dockerfile.web": "FROM " + debian + "\nCOPY . /app\nRUN test -e /app/file && test ! -e /app/outside\n", "sub/file": "",
		"Dockerfile.web": "FROM " + debian + "\nCOPY . /app\nRUN test -e /app/sub/file && test -e /app/outside\n", "outside": "",
	} {
		testkit.Write(t, filepath.Join(work, name), content)
	}
	command(t, work, "git", "add", ".")
	command(t, work, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "first")
	command(t, repository, "git", "clone", "-q", "--bare", "work", "app.git")
	command(t, filepath.Join(repository, "app.git"), "git", "update-server-info")
	server := httptest.NewServer(http.FileServer(http.Dir(repository)))
	t.Cleanup(server.Close)
	s := newSite(t, e, `
services:
  web:
    build: {context: "`+server.URL+`/app.git#main${FOLDER}", dockerfile: Dockerfile.web}
`)
	s.write(".env", "FOLDER=\n")
	s.mustBuild()
	s.write(".env", "FOLDER=:sub\n")
	if buildKitOf(t, e).old() {
		_, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
		testkit.ErrorContains(t, err, "service web: build.context with a folder of a git repository, which needs the BuildKit of Docker Engine 23")
		return
	}
	s.mustBuild()
}

func TestACABundleLetsAStepReachAServerBehindAPrivateCA(t *testing.T) {
	t.Parallel()
	e := connected(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	t.Cleanup(server.Close)
	s := newSite(t, e, `
services:
  web:
    build:
      context: app
      network: host
      args: {URL: "`+server.URL+`", WITH: "${WITH}"}
      dockerfile_inline: |
        FROM `+debian+`
        COPY fetch /fetch
        ARG URL
        ARG WITH
        RUN --mount=type=secret,id=ca-bundle SSL_CERT_FILE=/run/secrets/ca-bundle SSL_CERT_DIR=/none /fetch "$$URL" $$WITH
`)
	fetch := exec.Command("go", "build", "-o", filepath.Join(s.dir, "app", "fetch"), "./testdata/fetch")
	fetch.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := fetch.CombinedOutput(); err != nil {
		t.Fatalf("build the client: %v: %s", err, out)
	}
	s.write(".env", "WITH=nothing\n")
	_, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	testkit.ErrorContains(t, err, "exit code: 1")
	if said := s.said(); !strings.Contains(said, "certificate signed by unknown authority") {
		t.Errorf("without the bundle: %v\n%s", err, said)
	}
	s.write(".env", "WITH=bundle\n")
	s.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	s.settings.CABundle = filepath.Join(s.dir, "ca.pem")
	images := s.mustBuild()
	if said := s.said(); !strings.Contains(said, "| 200 OK") {
		t.Errorf("with the bundle:\n%s", said)
	}
	history := command(t, s.dir, "docker", "history", "--no-trunc", images["web"])
	if strings.Contains(history, "BEGIN CERTIFICATE") {
		t.Error("the bundle is in the image's history")
	}
}

func TestABuildReachesItsHostsAndNoNetworkWhereItWantsNone(t *testing.T) {
	t.Parallel()
	e := connected(t)
	gateway := strings.Fields(command(t, "", "docker", "run", "--rm", "--add-host", "here:host-gateway", debian, "grep", "here", "/etc/hosts"))[0]
	s := newSite(t, e, `
services:
  web:
    build:
      context: .
      network: none
      extra_hosts: {db: 10.1.2.3, here: host-gateway}
      dockerfile_inline: |
        FROM `+debian+`
        RUN grep '^10.1.2.3.db' /etc/hosts && grep '^`+gateway+`.here' /etc/hosts && test "$$(ls /sys/class/net)" = lo
`)
	s.mustBuild()
}

func TestTheNamedStagesAloneAreBuiltAnew(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `
services:
  web:
    build:
      context: .
      no_cache_filter: [anew]
      dockerfile_inline: |
        FROM `+debian+` AS cached
        RUN echo from the first stage
        FROM cached AS anew
        RUN echo from the second stage
`)
	s.mustBuild()
	s.said()
	s.mustBuild()
	if said := s.said(); strings.Contains(said, "| from the first") || !strings.Contains(said, "| from the second") {
		t.Errorf("the build said\n%s", said)
	}
}

func TestAnImageThatCarriesItsCacheIsOneToOthers(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `
services:
  web:
    build:
      context: .
      cache_to: [type=inline]
      dockerfile_inline: "FROM `+debian+`\nRUN echo once ${ROOM}"
`)
	s.write(".env", "ROOM="+s.settings.App+"\n") // what no test before has built
	images := s.mustBuild()
	if out := command(t, "", "sh", "-c", "docker save "+images["web"]+" | tar -xO | grep -ac moby.buildkit.cache"); strings.TrimSpace(out) == "0" {
		t.Error("the image does not carry its cache")
	}
	s.write("blue.yml", `
services:
  web:
    build: {context: ., cache_from: ["`+s.settings.App+"-web:"+string(commitA)+`"], dockerfile_inline: "FROM `+debian+`\nRUN echo once ${ROOM}\nRUN echo twice ${ROOM}"}
`)
	s.said()
	s.mustBuild()
	if said := s.said(); strings.Contains(said, "| once") || !strings.Contains(said, "| twice") {
		t.Errorf("the build said\n%s", said)
	}
}

func TestBuildsOfServicesRunAtTheSameTime(t *testing.T) {
	t.Parallel()
	e := connected(t)
	meet := func(mine, other string) string {
		return `
    build:
      context: .
      dockerfile_inline: |
        FROM ` + debian + `
        RUN --mount=type=cache,id=${ROOM},target=/room,sharing=shared touch /room/` + mine + ` && for i in $$(seq 300); do test -e /room/` + other + ` && exit 0; sleep 0.1; done; exit 1
`
	}
	s := newSite(t, e, "services:\n  web:"+meet("web", "worker")+"  worker:"+meet("worker", "web"))
	s.write(".env", "ROOM="+s.settings.App+"\n")
	s.mustBuild()
}

func TestAFailedBuildStopsTheOthers(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `
services:
  broken: {build: {context: ., dockerfile_inline: "FROM `+debian+`\nRUN sleep 1 && exit 7"}}
  web: {build: {context: ., dockerfile_inline: "FROM `+debian+`\nRUN sleep 600"}}
`)
	_, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), true, s.log)
	testkit.ErrorContains(t, err, "service broken: build image", "7")
	if strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("error is %v", err)
	}
}
