package compose

import (
	"testing"

	"github.com/docker/docker/api/types/container"

	"verdigris/internal/testkit"
)

const inTwoNetworks = `
services:
  web:
    image: ${IMAGE}
    command: sleep infinity
    init: true
    volumes: [/kept]
    secrets: [token]
    networks: [one, two]
networks: {one: , two: }
secrets: {token: {environment: TOKEN}}
`

// twoNetworks has started blue of a project with more than its container's making; its name is returned.
func twoNetworks(t *testing.T) (s *site, name string) {
	t.Helper()
	s = newSite(t, connected(t), inTwoNetworks)
	s.write(".env", "IMAGE="+debian+"\nTOKEN=open sesame\n")
	s.up(commitA)
	return s, s.settings.App + "-blue-web-1"
}

// isWhole fails the test unless the container has its secret and is in both networks.
func (s *site) isWhole(name string) {
	s.t.Helper()
	i, err := s.engine.inspect(s.t.Context(), name)
	testkit.Must(s.t, err)
	if len(i.NetworkSettings.Networks) != 2 {
		s.t.Errorf("it is in %d networks, want 2", len(i.NetworkSettings.Networks))
	}
	if out := testkit.Docker(s.t, "exec", name, "cat", "/run/secrets/token"); out != "open sesame" {
		s.t.Errorf("its secret is %q", out)
	}
}

// TestAContainerThatWasHalfMadeIsNotStarted has verdigris die between the making of a container and what comes after.
func TestAContainerThatWasHalfMadeIsNotStarted(t *testing.T) {
	t.Parallel()
	s, name := twoNetworks(t)
	testkit.Docker(s.t, "exec", name, "sh", "-c", "echo data > /kept/file")
	s.halfMade(name)
	s.up(commitA)
	s.isWhole(name)
	if out := testkit.Docker(s.t, "exec", name, "cat", "/kept/file"); out != "data" {
		t.Errorf("the anonymous volume has %q", out)
	}
}

// halfMade puts a successor beside the container that has neither files nor a second network yet.
func (s *site) halfMade(name string) {
	s.t.Helper()
	ctx := s.t.Context()
	i, err := s.engine.inspect(ctx, name)
	testkit.Must(s.t, err)
	testkit.Docker(s.t, "rename", name, name+asideSuffix)
	p, err := s.loadSlice(ctx, "blue", s.release(commitA))
	testkit.Must(s.t, err)
	b, err := p.blueprint(p.Services["web"], 1)
	testkit.Must(s.t, err)
	b.Config.Image = debian
	p.label(b, p.Services["web"], 1, i.Image)
	old, err := s.engine.containersOf(ctx, p.Name)
	testkit.Must(s.t, err)
	b.inherit(old[0], p.Services["web"], image{}, nil)
	b.files, b.Networks = nil, b.Networks[:1]
	_, err = s.engine.createContainer(ctx, b)
	testkit.Must(s.t, err)
}

func TestAContainerWhoseNetworkIsAnotherOneIsReplaced(t *testing.T) {
	t.Parallel()
	s, name := twoNetworks(t)
	testkit.Must(t, s.engine.client.ContainerStop(t.Context(), name, container.StopOptions{}))
	testkit.Docker(s.t, "network", "rm", s.settings.App+"-blue_one")
	s.up(commitA)
	s.isWhole(name)
}

func TestAContainerThatWasTakenOffItsNetworkIsReplaced(t *testing.T) {
	t.Parallel()
	s, name := twoNetworks(t)
	testkit.Docker(s.t, "network", "disconnect", s.settings.App+"-blue_two", name)
	s.up(commitA)
	s.isWhole(name)
}

func TestAContainerInItsNetworksIsKept(t *testing.T) {
	t.Parallel()
	s, name := twoNetworks(t)
	before, err := s.engine.inspect(t.Context(), name)
	testkit.Must(t, err)
	testkit.Must(t, s.engine.client.ContainerStop(t.Context(), name, container.StopOptions{}))
	s.up(commitA) // the engine tells of networks of stopped containers too
	after, err := s.engine.inspect(t.Context(), name)
	testkit.Must(t, err)
	if before.ID != after.ID {
		t.Error("it was replaced")
	}
}
