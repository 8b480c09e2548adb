package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// greeting is how the gallery says who it is. The router's own header says what its configuration means, so it is no
// proof of who has answered.
var greeting = regexp.MustCompile(`^Hello from (\w+): .* \(release (\w+)\)`)

// whoAnswers asks the site who it is. An error page is an error.
func (s *site) whoAnswers() (slice deploy.Slice, commit string, err error) {
	status, body := answer((&http.Client{Timeout: 10 * time.Second}).Get(s.edge("/")))
	said := greeting.FindStringSubmatch(body)
	if status != http.StatusOK || said == nil {
		return "", "", fmt.Errorf("the site answers %d: %.200s", status, body)
	}
	return deploy.Slice(said[1]), said[2], nil
}

// answersFrom waits until the site answers. Whoever answers meanwhile must be the slice with the release.
func (s *site) answersFrom(slice deploy.Slice, commit string) {
	s.t.Helper()
	testkit.Within(s.t, time.Minute, "the site answers", func() error {
		who, release, err := s.whoAnswers()
		if err == nil && (who != slice || !strings.HasPrefix(commit, release)) {
			s.t.Fatalf("%s answers with %.8s, want %s with %.8s", who, release, slice, commit)
		}
		return err
	})
}

// addressIn is the address that a container has in a network.
func (s *site) addressIn(network, container string) string {
	s.t.Helper()
	return testkit.Docker(s.t, "inspect", "-f", fmt.Sprintf("{{with index .NetworkSettings.Networks %q}}{{.IPAddress}}{{end}}", network), container)
}

// exchangeAddresses stops both slices and starts them so that each has the address in the app's network that the other
// one had, as after a reboot.
func (s *site) exchangeAddresses() {
	s.t.Helper()
	order := []deploy.Slice{deploy.Blue, deploy.Green}
	all := func() []string {
		return []string{s.addressIn(s.app, s.web(deploy.Blue)), s.addressIn(s.app, s.web(deploy.Green))}
	}
	before := all()
	for range 2 {
		testkit.Docker(s.t, "stop", "-t", "1", s.web(deploy.Blue), s.web(deploy.Green))
		slices.Reverse(order)
		for _, slice := range order {
			testkit.Docker(s.t, "start", s.web(slice))
		}
		if now := all(); now[0] == before[1] && now[1] == before[0] {
			return
		}
	}
	s.t.Fatalf("the slices had %q and have %q: no exchange", before, all())
}

func TestRouter_SlicesExchangeTheirAddressesWhileVerdigrisIsDown_TheLiveOneGoesOnAnswering(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	live := s.git("rev-parse", "HEAD")
	s.want(s.order("/deploy/green", fmt.Sprintf(`{"commit":%q}`, s.commit("never switched to"))), deploy.StateSucceeded)
	s.stop(syscall.SIGKILL)

	s.exchangeAddresses()
	s.answersFrom(deploy.Blue, live)
	s.upload("one")
	s.start()
	s.answersFrom(deploy.Blue, live)
	s.mirrorInStep()
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		if list := s.images(slice); len(list) != 1 {
			t.Errorf("%s has %d images, want the one that was acknowledged", slice, len(list))
		}
	}
}

// routerApart puts edge and router on a network of their own, which no slice is in.
func routerApart(s *site) {
	name := "docker-compose.shared.yml"
	content := testkit.Read(s.t, filepath.Join(s.dir, name))
	for _, service := range []string{"edge", "router"} {
		_, after, _ := strings.Cut(content, "\n  "+service+":\n")
		own, _, _ := strings.Cut(after, "    networks: ["+s.app)
		content = strings.Replace(content, own+"    networks: ["+s.app, own+"    networks: [front", 1)
	}
	s.write(name, content+"\n")
	s.replace(name, "\nnetworks:\n", "\nnetworks:\n  front: {}\n")
}

func TestRouter_SliceInNoneOfItsNetworks_GoesLiveAndIsReached(t *testing.T) {
	t.Parallel()
	s := newSite(t, routerApart).blueLive()
	if both := testkit.Docker(t, "inspect", "-f", "{{json .NetworkSettings.Networks}}", s.shared("router")); !strings.Contains(both, `"`+s.app+`-shared_front"`) || strings.Contains(both, `"`+s.app+`"`) {
		t.Fatalf("the router is in %s", both)
	}
	second := s.commit("second")
	d := s.want(s.push(second), deploy.StateSucceeded)
	s.answersFrom(d.Slice, second)
	s.want(s.order("/rollback", ""), deploy.StateSucceeded)
}
