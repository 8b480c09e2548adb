package e2e

import (
	"context"
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
	"verdigris/test/load"
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

// olderFiles are compose files that know nothing of the networks between router and slices.
func olderFiles(s *site) {
	s.replace("docker-compose.shared.yml", ", verdigris-blue, verdigris-green]", "]")
	for _, name := range []string{"docker-compose.shared.yml", "repo/docker-compose.blue.yml", "repo/docker-compose.green.yml"} {
		content := testkit.Read(s.t, filepath.Join(s.dir, name))
		content = regexp.MustCompile(`(?m)^  verdigris-(blue|green):\n(    .*\n?)+`).ReplaceAllString(content, "")
		s.write(name, regexp.MustCompile(`(?m)^      verdigris-(blue|green): .*\n`).ReplaceAllString(content, ""))
	}
	s.commit("files of an older version")
}

// becomeOlder leaves the site as a version left it that had no networks between router and slices, with verdigris stopped.
func (s *site) becomeOlder(live deploy.Slice) {
	s.t.Helper()
	s.stop(syscall.SIGTERM)
	conf := filepath.Join(s.dir, ".verdigris/apps", s.app, "nginx/upstream.conf")
	content := testkit.Read(s.t, conf)
	routed := s.addressIn(s.app+"-verdigris-"+string(live), s.web(live)) + ":"
	if !strings.Contains(content, routed) {
		s.t.Fatalf("the route does not lead to %s:\n%s", routed, content)
	}
	s.write(strings.TrimPrefix(conf, s.dir+"/"), strings.ReplaceAll(content, routed, s.addressIn(s.app, s.web(live))+":"))
	testkit.Docker(s.t, "kill", "-s", "HUP", s.shared("router"))
	testkit.Within(s.t, testkit.Patience, "the workers that know the network have left", func() error {
		if workers := testkit.Docker(s.t, "top", s.shared("router")); strings.Contains(workers, "shutting down") {
			return fmt.Errorf("%s", workers)
		}
		return nil
	})
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		network := s.app + "-verdigris-" + string(slice)
		testkit.Docker(s.t, "network", "disconnect", network, s.shared("router"))
		testkit.Docker(s.t, "network", "disconnect", network, s.web(slice))
		testkit.Docker(s.t, "network", "rm", network)
	}
}

func TestSite_OfAVersionWithoutNetworksOfSlices_GetsThemUnderLoad(t *testing.T) {
	s := newSite(t, olderFiles).blueLive()
	second := s.commit("second")
	s.want(s.push(second), deploy.StateSucceeded)
	s.becomeOlder(deploy.Green)
	s.answersFrom(deploy.Green, second)
	ids := func() string {
		return testkit.Docker(t, append([]string{"inspect", "-f", "{{.Name}} {{.Id}} {{.State.StartedAt}}"}, s.all()...)...)
	}
	before, book := ids(), &ledger{}
	l := load.Start(context.Background(), load.Plan{Workers: []load.Worker{s.reader(), s.reader(), s.uploader(book, "writer", 10)}})
	sent := func(what string) {
		from := l.Sent()
		testkit.Eventually(t, "requests go on "+what, func() bool { return l.Sent() > from+100 })
	}
	sent("without verdigris")
	s.must("up")
	sent("after up")
	s.start()
	testkit.Within(t, testkit.Patience, "the route leads through the slice's own network", func() error {
		want := s.addressIn(s.app+"-verdigris-green", s.web(deploy.Green))
		status := s.status()
		if !status.Router.Confirmed || want == "" || len(status.Router.Endpoints) != 1 || !strings.HasPrefix(status.Router.Endpoints[0].Address, want+":") {
			return fmt.Errorf("%s in the network; %+v", want, status.Router)
		}
		return nil
	})
	sent("through the network")
	if after := ids(); after != before {
		t.Errorf("the containers were\n%s\nand are\n%s", before, after)
	}
	s.toAndFro()
	s.noneFailed(l.Stop())
	s.accountFor(book, deploy.Green)
}
