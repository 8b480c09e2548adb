package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// slice is what the status says of a slice.
func (s *site) slice(slice deploy.Slice) deploy.SliceStatus {
	s.t.Helper()
	for _, one := range s.status().Slices {
		if one.Slice == slice {
			return one
		}
	}
	s.t.Fatalf("the status does not speak of %s", slice)
	return deploy.SliceStatus{}
}

// settings are those of a container that a release which has run before must not lose.
func (s *site) settingsOf(container string) string {
	s.t.Helper()
	return testkit.Docker(s.t, "inspect", "-f", "{{.Id}} {{.Config.Env}} {{.HostConfig.RestartPolicy.Name}} {{.State.Status}}", container)
}

func TestRevert_BadSettingAndAPushThatFails_WhatRanIsTheWayBackAsItWas(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	good := s.git("rev-parse", "HEAD")
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	before := s.settingsOf(s.web(deploy.Blue))

	env := imagesEnv()
	s.write(".env", env+"PICTURES=/nowhere\n")
	defer s.write(".env", env)
	for _, slice := range []string{"blue", "green"} {
		s.replace("repo/docker-compose."+slice+".yml", "REDIS_ADDR:", "PICTURES: ${PICTURES:-}\n      REDIS_ADDR:")
	}
	s.restart(deadline("3s"))
	d := s.want(s.push(s.misfit("500")), deploy.StateAborted)
	s.explains(d, deploy.PhaseProbe, "500")
	if after := s.settingsOf(s.web(deploy.Blue)); after != before {
		t.Errorf("the container before was\n%s\nand is\n%s", before, after)
	}
	s.want(s.order("/rollback", ""), deploy.StateSucceeded)
	s.answersFrom(deploy.Blue, good)
}

func TestRollback_ContainerThatDockerCalledUnhealthyAndThatAnswers_IsTheWayBack(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	s.replace("repo/docker-compose.blue.yml", "    restart:", `    healthcheck: {test: [CMD, /gallery, -health], interval: 1s, timeout: 1s, retries: 1}
    restart:`)
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	s.want(s.push(s.commit("third")), deploy.StateSucceeded)
	good := s.git("rev-parse", "HEAD")
	s.want(s.push(s.commit("fourth")), deploy.StateSucceeded)
	web := s.web(deploy.Blue)
	unpause := testkit.Pause(t, web)
	testkit.Within(t, testkit.Patience, "the status says so, and Docker's check has failed", func() error {
		health := testkit.Docker(t, "inspect", "--format", "{{.State.Health.Status}}", web)
		if status := s.slice(deploy.Blue); status.Containers[0].State != "paused" || health != "unhealthy" {
			return fmt.Errorf("%s %+v", health, status.Containers)
		}
		return nil
	})
	unpause()
	s.want(s.order("/rollback", ""), deploy.StateSucceeded)
	s.answersFrom(deploy.Blue, good)
}

// The container that was set aside keeps the slice's release, and the one in its place has proved nothing.
func TestStart_RoundsOfKills_LeaveWhatRanBefore(t *testing.T) {
	s := goodSite(t)
	good := s.git("rev-parse", "HEAD")
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	before := s.settingsOf(s.web(deploy.Blue))
	r := testkit.Random(t)
	for range testkit.Rounds(t, 3) {
		id := s.pushed(s.commit("another"))
		s.untilPhase(id, deploy.PhaseStart)
		time.Sleep(time.Duration(r.IntN(600)) * time.Millisecond) // somewhere in the start, or just after it
		s.stop(syscall.SIGKILL)
		s.start()
		d := s.ended(id)
		t.Logf("killed in %s: %s", d.Phases[len(d.Phases)-1].Phase, d.State)
		if d.State == deploy.StateSucceeded {
			t.Fatal("it had gone live before the kill")
		}
		testkit.Within(t, testkit.Patience, "what ran is the way back, as it was", func() error {
			blue := s.slice(deploy.Blue)
			if after := s.settingsOf(s.web(deploy.Blue)); after != before || len(blue.SetAside) > 0 || string(blue.Commit) != good {
				return fmt.Errorf("%s\nstatus: %+v", after, blue)
			}
			return nil
		})
		s.want(s.order("/rollback", ""), deploy.StateSucceeded)
		s.answersFrom(deploy.Blue, good)
		s.want(s.order("/switch", ""), deploy.StateSucceeded)
	}
}
