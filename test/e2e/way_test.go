package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// picture is the smallest thing that the gallery takes for a GIF, with a number in it.
func picture(n string) string { return "GIF89a" + n }

func (s *site) upload(n string) {
	s.t.Helper()
	status, body := answer(http.Post(s.edge("/upload"), "image/gif", strings.NewReader(picture(n))))
	if status != http.StatusCreated {
		s.t.Fatalf("upload: status %d: %s", status, body)
	}
}

func (s *site) images(slice deploy.Slice) []string {
	s.t.Helper()
	list, err := s.redis(slice).LRange(context.Background(), "images", 0, -1).Result()
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func TestASignedPushBecomesTheLiveSliceWithItsDataAndARollbackBringsBothBack(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	s.serves(deploy.Blue)
	for i := range 5 {
		s.upload(fmt.Sprint("first", i))
	}
	cache := s.redis(deploy.Green).Set(context.Background(), "cache:page", "of green", 0)
	if cache.Err() != nil {
		t.Fatal(cache.Err())
	}

	second := s.commit("a visible change")
	d := s.want(s.push(second), deploy.StateSucceeded)
	if d.Slice != deploy.Green || d.From != deploy.Blue || string(d.Commit) != second {
		t.Errorf("the push went from %s to %s with %s", d.From, d.Slice, d.Commit)
	}
	s.serves(deploy.Green)
	if got := s.images(deploy.Green); len(got) != 5 {
		t.Errorf("green has %d images, want 5", len(got))
	}
	if v := s.redis(deploy.Green).Get(context.Background(), "cache:page").Val(); v != "of green" {
		t.Errorf("green's cache was touched: %q", v)
	}
	if status, _ := answer(http.Get("http://127.0.0.1:" + s.ports["blue"] + "/health")); status != http.StatusOK {
		t.Errorf("blue does not answer any more: %d", status)
	}
	if live := strings.TrimSpace(testkit.Read(t, filepath.Join(s.dir, ".current-env"))); live != "green" {
		t.Errorf(".current-env says %q", live)
	}

	s.upload("second")
	s.want(s.order("/rollback", ""), deploy.StateSucceeded)
	s.serves(deploy.Blue)
	blue, green := s.images(deploy.Blue), s.images(deploy.Green)
	if len(blue) != 6 || strings.Join(blue, ",") != strings.Join(green, ",") {
		t.Errorf("after the rollback blue has %d images and green %d", len(blue), len(green))
	}
	if live := strings.TrimSpace(testkit.Read(t, filepath.Join(s.dir, ".previous-env"))); live != "green" {
		t.Errorf(".previous-env says %q", live)
	}
}

func TestDockerComposeSeesAndStopsWhatVerdigrisStarted(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	compose := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("docker-compose", append([]string{"-p", s.app + "-blue", "-f", "docker-compose.blue.yml"}, args...)...)
		cmd.Dir = s.repo
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("docker-compose %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out := compose("ps"); !strings.Contains(out, "Up") {
		t.Errorf("docker-compose ps does not show the slice:\n%s", out)
	}
	if out := compose("logs"); !strings.Contains(out, "web") {
		t.Errorf("docker-compose logs does not show the slice:\n%s", out)
	}
	compose("stop", "-t", "1")
	if out := testkit.Docker(t, "ps", "-q", "--filter", "label=com.docker.compose.project="+s.app+"-blue"); out != "" {
		t.Errorf("docker-compose stop left %s running", out)
	}
	compose("start")
}

func TestSlicesAreDeployedSwitchedAndStoppedByCommand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.must("deploy", "--switch")
	s.serves(deploy.Blue)
	s.commit("second")
	s.must("deploy", "green")
	s.serves(deploy.Blue)
	s.must("deploy", "staging")
	if status, _ := answer(http.Get("http://127.0.0.1:" + s.ports["staging"] + "/health")); status != http.StatusOK {
		t.Errorf("staging does not answer: %d", status)
	}
	if out, code := s.command("deploy", "blue"); code != 3 || !strings.Contains(out, "live") {
		t.Errorf("a deploy to the live slice: exit code %d\n%s", code, out)
	}
	s.must("switch", "green")
	s.serves(deploy.Green)
	s.must("rollback")
	s.serves(deploy.Blue)
	if out, code := s.command("stop", "blue"); code != 3 {
		t.Errorf("a stop of the live slice: exit code %d\n%s", code, out)
	}
	s.must("stop", "green")
	if out, code := s.command("switch"); code != 3 {
		t.Errorf("a switch to a stopped slice: exit code %d\n%s", code, out)
	}
	for _, args := range [][]string{{"status"}, {"history"}, {"status", "--json"}, {"history", "--json"}, {"logs", "blue"}, {"version"}, {"config", "check"}} {
		if out := s.must(args...); out == "" {
			t.Errorf("verdigris %v prints nothing", args)
		}
	}
	s.serves(deploy.Blue)
}

func TestARestartedContainerIsFollowedToItsNewAddress(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	web, network, squatter := s.web(deploy.Blue), s.app, s.app+"-squatter"
	id := testkit.Docker(t, "inspect", "-f", "{{.Id}}", web)
	connect := []string{"network", "connect"}
	for _, alias := range strings.Fields(testkit.Docker(t, "inspect", "-f", fmt.Sprintf("{{join (index .NetworkSettings.Networks %q).Aliases \" \"}}", network), web)) {
		if !strings.HasPrefix(id, alias) { // the Engine adds the id by itself
			connect = append(connect, "--alias", alias)
		}
	}
	testkit.Docker(t, "network", "disconnect", network, web)
	testkit.Docker(t, "run", "-d", "--name", squatter, "--network", network, testkit.ImageName("REDIS_IMAGE"), "redis-server")
	testkit.Docker(t, append(connect, network, web)...)
	s.answersAgain()
	testkit.Docker(t, "rm", "-fv", squatter)
}

func TestWithAManualPromotionAPushWaitsForTheSwitch(t *testing.T) {
	t.Parallel()
	s := goodSite(t, setting("    web: {", "    promote: manual\n    web: {"))
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	s.serves(deploy.Blue)
	s.want(s.order("/switch", `{"to":"green"}`), deploy.StateSucceeded)
	s.serves(deploy.Green)
}

func TestARelativeBindMountOfTheCheckoutIsWhatTheContainerSees(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	s.write("repo/etc/motto", "first")
	s.replace("repo/docker-compose.green.yml", "    restart:", "    volumes: [./etc:/etc/motto:ro]\n    restart:")
	s.want(s.push(s.commit("a file to mount")), deploy.StateSucceeded)
	mounted := testkit.Docker(t, "inspect", "-f", "{{range .Mounts}}{{.Source}}{{end}}", s.web(deploy.Green))
	content, err := os.ReadFile(filepath.Join(mounted, "motto"))
	if err != nil || string(content) != "first" {
		t.Errorf("mounted %s: %q %v", mounted, content, err)
	}
}

func TestPush_DeliveryOfAnOlderCommitComesLate_TheHeadOfTheBranchStaysLive(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	older, newer := s.commit("older"), s.commit("newer")
	s.want(s.push(newer), deploy.StateSucceeded)
	d := s.want(s.push(older), deploy.StateSuperseded)
	if !strings.Contains(d.Error.Reason, "main has moved on: its head is "+newer[:12]) {
		t.Errorf("the reason is %q", d.Error.Reason)
	}
	s.answersFrom(deploy.Green, newer)
	if status, body := s.deliver(newer, "again"); status != http.StatusOK || !strings.Contains(body, `"duplicate":true`) {
		t.Errorf("the newer push again: %d %s", status, body)
	}
	s.want(s.order("/deploy/auto", fmt.Sprintf(`{"commit":%q,"promote":true}`, older)), deploy.StateSucceeded) // a person names it
	s.answersFrom(deploy.Blue, older)
}
