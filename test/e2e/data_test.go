package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestMirroringIsSwitchedAtRunTimeAndTheSwitchHoldsOverARestart(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	s.upload("first")
	testkit.Within(s.t, testkit.Patience, "the standby has it", func() error { return s.has(deploy.Green, 1) })

	if out := s.must("mirror", "off"); !strings.Contains(out, "off") {
		t.Errorf("mirror off says %q", out)
	}
	s.restart()
	status := s.status()
	if status.Mirror == nil || status.Mirror.State != deploy.MirrorOff {
		t.Errorf("after a restart the mirror is %+v", status.Mirror)
	}
	s.upload("second")
	s.want(s.push(s.commit("second")), deploy.StateSucceeded) // the cutover copies by itself
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		if err := s.has(slice, 2); err != nil {
			t.Error(err)
		}
	}
	if err := s.redis(deploy.Blue).LPush(context.Background(), "images", "late").Err(); err == nil {
		t.Error("the redis of the slice that the traffic has left takes writes")
	}
	s.ask(http.MethodPut, "/mirroring", `{"on":true}`, http.StatusOK, nil)
	s.mirrorInStep()
	s.upload("third")
	testkit.Within(s.t, testkit.Patience, "the mirror goes the other way", func() error { return s.has(deploy.Blue, 3) })
}

// has returns an error unless the slice's list has so many pictures.
func (s *site) has(slice deploy.Slice, n int64) error {
	if got := s.redis(slice).LLen(context.Background(), "images").Val(); got != n {
		return fmt.Errorf("%s has %d pictures, want %d", slice, got, n)
	}
	return nil
}

func TestADryRunSaysWhatASwitchWouldDoAndDoesNothing(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	if status, body := s.try(http.MethodPost, "/switch?dry_run=true", ""); status != http.StatusConflict || !strings.Contains(body, "green is not running") {
		t.Errorf("a dry run without a second release: %d %s", status, body)
	}
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	s.mirrorInStep()
	var plan deploy.SwitchPlan
	s.ask(http.MethodPost, "/switch?dry_run=true", "", http.StatusOK, &plan)
	if plan.From != deploy.Green || plan.To != deploy.Blue || plan.EstimatedHoldMS <= 0 || plan.InFlight < 0 || len(plan.Obstacles) > 0 {
		t.Errorf("the plan: %+v", plan)
	}
	if out := s.must("switch", "--dry-run"); !strings.Contains(out, "blue") || !strings.Contains(out, "in step") {
		t.Errorf("switch --dry-run says:\n%s", out)
	}
	s.serves(deploy.Green)
}

// withWorker gives the blue and green slices a worker.
func withWorker(s *site) {
	for _, slice := range []string{"blue", "green"} {
		s.replace("repo/docker-compose."+slice+".yml", "\nnetworks:\n", `
  worker:
    image: `+s.app+`:${IMAGE_TAG:-dev}
    labels: {verdigris.role: worker}
    environment: {PORT: "1234", REDIS_ADDR: "redis-`+slice+`:`+map[string]string{"blue": "6379", "green": "6380"}[slice]+`"}
    networks: [`+s.app+`]
    restart: unless-stopped

networks:
`)
	}
	s.commit("a worker")
}

// workersOn fails unless the worker of that slice runs, and no other.
func (s *site) workersOn(live deploy.Slice) {
	s.t.Helper()
	testkit.Within(s.t, time.Minute, "the worker runs on "+string(live)+" alone", func() error {
		for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
			state := testkit.Docker(s.t, "ps", "-a", "--filter", "label=com.docker.compose.project="+s.app+"-"+string(slice),
				"--filter", "label=com.docker.compose.service=worker", "--format", "{{.State}}")
			if (state == "running") != (slice == live) {
				return fmt.Errorf("the worker of %s is %q", slice, state)
			}
		}
		return nil
	})
}

func TestWorkersRunOnTheLiveSliceAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, withWorker).blueLive()
	s.workersOn(deploy.Blue)
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	s.workersOn(deploy.Green)
	s.want(s.order("/rollback", ""), deploy.StateSucceeded)
	s.workersOn(deploy.Blue)
	d := s.want(s.order("/switch", ""), deploy.StateSucceeded)
	s.workersOn(deploy.Green)
	if stops, holds := phaseOf(d, deploy.PhaseWorkers), phaseOf(d, deploy.PhaseHold); stops < 0 || stops > holds {
		t.Errorf("the phases: %s", phaseTimes(d))
	}

	// A cutover that comes to nothing leaves them where they were.
	s.restart(deadline("2s"))
	undo := s.pauseRedis(deploy.Blue)
	s.want(s.order("/switch", ""), deploy.StateAborted)
	undo()
	s.workersOn(deploy.Green)

	// After a crash the next start sees to it.
	testkit.Docker(t, "start", s.app+"-blue-worker-1")
	testkit.Docker(t, "stop", s.app+"-green-worker-1")
	s.stop(syscall.SIGKILL)
	s.start()
	s.workersOn(deploy.Green)
}

// phaseOf is the place of the first phase of that name in a deployment, or -1.
func phaseOf(d deploy.Deployment, phase deploy.Phase) int {
	for i, p := range d.Phases {
		if p.Phase == phase {
			return i
		}
	}
	return -1
}
