package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// misfit makes the repository's app the one that goes wrong in a way.
func (s *site) misfit(mode string) string {
	s.t.Helper()
	s.copyProgram(built.misfit, "repo/app/gallery")
	for _, slice := range []string{"blue", "green"} {
		s.replace("repo/docker-compose."+slice+".yml", "REDIS_ADDR:", "MODE: \""+mode+"\"\n      REDIS_ADDR:")
	}
	return s.commit("a release that goes wrong: " + mode)
}

// aborted fails unless the push of a commit is aborted in a phase (any phase, without one) with a reason that contains the words, blue still
// serves, and green has no container.
func (s *site) aborted(commit string, phase deploy.Phase, words ...string) deploy.Deployment {
	s.t.Helper()
	d := s.want(s.push(commit), deploy.StateAborted)
	if phase == "" {
		phase = d.Error.Phase
	}
	s.explains(d, phase, words...)
	s.serves(deploy.Blue)
	if left := s.containers(deploy.Green); left != "" {
		s.t.Errorf("containers of green are left: %s", left)
	}
	return d
}

func (s *site) explains(d deploy.Deployment, phase deploy.Phase, words ...string) {
	s.t.Helper()
	if d.Error == nil || d.Error.Phase != phase || d.Error.Next == "" || d.Error.Serving == "" {
		s.t.Fatalf("the failure does not tell enough: %+v", d.Error)
	}
	text := d.Error.Reason + "\n" + d.Error.Next + "\n" + strings.Join(d.Error.Log, "\n")
	for _, w := range words {
		if !strings.Contains(text, w) {
			s.t.Errorf("the failure does not name %q:\n%s", w, text)
		}
	}
}

// recovers makes the repository good again and fails unless its push succeeds.
func (s *site) recovers() {
	s.t.Helper()
	s.git("checkout", "-q", "-f", "good", "--", ".")
	s.want(s.push(s.commit("good again")), deploy.StateSucceeded)
	s.serves(deploy.Green)
}

func TestAReleaseThatGoesWrongNeverTakesTheTraffic(t *testing.T) {
	t.Parallel()
	soon := []func(*site){deadline("4s")}
	for _, c := range []struct {
		name  string
		spoil func(*site) string
		phase deploy.Phase
		words []string
		edits []func(*site)
	}{
		{"a Dockerfile that fails", func(s *site) string {
			s.write("repo/app/Dockerfile", "FROM scratch\nCOPY nosuchfile /gallery\n")
			return s.commit("a broken Dockerfile")
		}, deploy.PhaseBuild, []string{"nosuchfile"}, nil},
		{"an unknown compose attribute", func(s *site) string {
			s.replace("repo/docker-compose.green.yml", "    restart:", "    colour: teal\n    restart:")
			return s.commit("an attribute that does not exist")
		}, deploy.PhaseFetch, []string{"colour"}, nil},
		{"a missing variable", func(s *site) string {
			s.replace("repo/docker-compose.green.yml", "REDIS_ADDR:", "KEY: ${API_KEY:?set it in .env}\n      REDIS_ADDR:")
			return s.commit("a variable that nobody sets")
		}, deploy.PhaseFetch, []string{"API_KEY", "set it in .env"}, nil},
		{"a dependency cycle", func(s *site) string {
			s.replace("repo/docker-compose.green.yml", "    restart:", "    depends_on: [web]\n    restart:")
			return s.commit("a service that waits for itself")
		}, deploy.PhaseFetch, []string{"web"}, nil},
		{"an exit at once", func(s *site) string { return s.misfit("exit") }, "", []string{"web", "cannot find its configuration"}, nil},
		{"a hang", func(s *site) string { return s.misfit("hang") }, deploy.PhaseProbe, []string{"health"}, soon},
		{"an app on loopback", func(s *site) string { return s.misfit("loopback") }, deploy.PhaseProbe, []string{"127.0.0.1", "0.0.0.0"}, soon},
		{"a 500", func(s *site) string { return s.misfit("500") }, deploy.PhaseProbe, []string{"500", "misfit starts as 500"}, soon},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := goodSite(t, c.edits...)
			s.aborted(c.spoil(s), c.phase, c.words...)
			if c.edits != nil {
				s.restart(func(s *site) { s.write("verdigris.yml", s.config()) })
			}
			s.recovers()
		})
	}
}

func TestAReleaseThatDiesAfterItsFirstAnswersIsRolledBack(t *testing.T) {
	t.Parallel()
	s := goodSite(t, watch("duration: 60s, interval: 100ms, failures: 2"))
	s.replace("repo/docker-compose.green.yml", "restart: unless-stopped", `restart: "no"`)
	d := s.push(s.misfit("dies"))
	if d.State != deploy.StateRolledBack && d.State != deploy.StateAborted {
		t.Fatalf("the deployment is %s", d.State)
	}
	s.serves(deploy.Blue)
}

func TestAPortThatIsTakenIsNamedAndTheNextPushSucceeds(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	squatter, err := net.Listen("tcp", "127.0.0.1:"+s.ports["green"])
	if err != nil {
		t.Fatal(err)
	}
	s.aborted(s.commit("second"), deploy.PhaseStart, s.ports["green"])
	testkit.Must(t, squatter.Close())
	s.recovers()
}

func TestAnUnknownCommitIsSaidToBeUnknown(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	unknown := strings.Repeat("0123456789", 4)
	d := s.want(s.order("/deploy/green", fmt.Sprintf(`{"commit":%q}`, unknown)), deploy.StateAborted)
	s.explains(d, deploy.PhaseFetch, "commit")
	s.want(s.push(unknown), deploy.StateSuperseded) // of a push the head of the branch is asked first
	s.serves(deploy.Blue)
	s.recovers()
}

func TestARedisThatIsGoneAbortsTheCutover(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	target := s.shared("redis-green")
	s.want(s.order("/deploy/green", ""), deploy.StateSucceeded)
	testkit.Docker(t, "stop", "-t", "1", target)
	d := s.want(s.order("/switch", ""), deploy.StateAborted)
	s.explains(d, d.Error.Phase, "green")
	s.serves(deploy.Blue)
	testkit.Docker(t, "start", target)
	s.recovers()
}

func TestATargetRedisWithoutMemoryAbortsTheCutover(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	for i := range 200 {
		if err := s.redis(deploy.Blue).RPush(context.Background(), "images", picture(fmt.Sprint(i))+strings.Repeat("x", 10_000)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.redis(deploy.Green).ConfigSet(context.Background(), "maxmemory", "1500kb").Err(); err != nil {
		t.Fatal(err)
	}
	d := s.want(s.push(s.commit("second")), deploy.StateAborted)
	s.explains(d, deploy.PhaseCopy, "memory")
	s.serves(deploy.Blue)
	if err := s.redis(deploy.Green).ConfigSet(context.Background(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	s.recovers()
}

func TestARouterThatIsStoppedAbortsTheCutoverAndComesBackWithItsRoute(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	s.want(s.order("/deploy/green", ""), deploy.StateSucceeded)
	router := s.shared("router")
	testkit.Docker(t, "stop", "-t", "1", router)
	d := s.want(s.order("/switch", ""), deploy.StateAborted)
	s.explains(d, deploy.PhaseProbe, "router", "verdigris up")
	if strings.Contains(d.Error.Reason, "did not become healthy") {
		t.Errorf("the release is blamed for the router: %s", d.Error.Reason)
	}
	testkit.Docker(t, "start", router)
	s.answersAgain()
	s.serves(deploy.Blue)
	s.want(s.order("/switch", ""), deploy.StateSucceeded)
}

func TestANginxThatRefusesTheConfigurationAbortsTheCutover(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	s.want(s.order("/deploy/green", ""), deploy.StateSucceeded)
	main := filepath.Join(s.dir, ".verdigris", "apps", s.app, "nginx", "router.conf")
	good := testkit.Read(t, main)
	// A directive that nginx refuses, where a person's edit would put it.
	if err := os.WriteFile(main, []byte("nonsense on;\n"+good), 0o644); err != nil {
		t.Fatal(err)
	}
	d := s.order("/switch", "")
	if d.State == deploy.StateSucceeded {
		// The candidate is rendered anew, so a broken main file shows when nginx loads it.
		t.Fatalf("a configuration that nginx refuses went through")
	}
	s.serves(deploy.Blue)
	if err := os.WriteFile(main, []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	s.want(s.order("/switch", ""), deploy.StateSucceeded)
	s.serves(deploy.Green)
}

func TestTheWebhookRefusesWhatIsNotSignedAndAcceptsADeliveryOnce(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	commit, delivery := s.commit("second"), rand.Text()
	if status, _ := s.deliverSigned(commit, "", "another secret"); status != http.StatusUnauthorized {
		t.Errorf("wrong signature: status %d", status)
	}
	before := s.deployments()[0]
	if status, body := s.deliver(commit, delivery); status != http.StatusAccepted {
		t.Fatalf("delivery: status %d: %s", status, body)
	}
	for _, delivery := range []string{delivery, "another-" + delivery} {
		if status, body := s.deliver(commit, delivery); status != http.StatusOK || !strings.Contains(body, "duplicate") {
			t.Errorf("%s again: status %d: %s", delivery, status, body)
		}
	}
	s.want(s.ended(s.deployments()[0].ID), deploy.StateSucceeded)
	if newest := s.deployments()[0]; newest.ID != before.ID+1 || newest.Commit != deploy.Commit(commit) {
		t.Errorf("the newest deployment is %d of %s, want only one after %d", newest.ID, newest.Commit.Short(), before.ID)
	}
	s.serves(deploy.Green)
}

func TestTwoPushesAtOnceEndWithTheNewestLive(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	s.deliver(s.commit("second"), "")
	last := s.push(s.commit("third"))
	s.want(last, deploy.StateSucceeded)
	status := s.status()
	if status.Route.Commit != last.Commit {
		t.Errorf("%s is live, want %s", status.Route.Commit.Short(), last.Commit.Short())
	}
}

func TestWithoutATokenTheNetworkChangesNothing(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	api := "http://127.0.0.1:" + s.ports["api"]
	for _, path := range []string{"/deploy/green", "/switch", "/rollback", "/stop/green"} {
		if status, _ := answer(http.Post(api+path, "application/json", nil)); status != http.StatusUnauthorized {
			t.Errorf("POST %s without a token: status %d", path, status)
		}
	}
	token := strings.TrimSpace(s.must("token", "create", "ci", "--json"))
	if !strings.Contains(token, "vdg_") {
		t.Fatalf("token create: %s", token)
	}
	s.must("token", "revoke", "ci")
}

func TestAFullDiskFailsTheBuildAndNothingElse(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	releases := filepath.Join(s.dir, ".verdigris", "apps", s.app, "releases")
	small := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small).CombinedOutput(); err != nil {
		t.Fatalf("a small disk cannot be made (run as root): %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", small).Run() })
	blue := filepath.Join(releases, s.git("rev-parse", "good"))
	if _, err := os.Stat(blue); err != nil {
		t.Fatalf("the live checkout: %v", err)
	}
	if out, err := exec.Command("mount", "--bind", small, releases).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v %s", err, out)
	}
	unmounted := false
	unmount := func() {
		if !unmounted {
			unmounted = true
			_ = exec.Command("umount", "-l", releases).Run()
		}
	}
	t.Cleanup(unmount)
	s.aborted(s.commit("second"), deploy.PhaseFetch, "free some space below the state folder")
	unmount()
	s.recovers()
}
