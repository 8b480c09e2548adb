package main

import (
	"net/http"
	"strings"
	"testing"

	"verdigris/deploy"
)

func TestADryRunShowsWhatASwitchWouldDo(t *testing.T) {
	w := newWorkplace(t)
	plan := deploy.SwitchPlan{
		App: "shop", From: deploy.Blue, To: deploy.Green, Commit: commit, Ahead: 1, InFlight: 12,
		Mirror: &deploy.MirrorStatus{State: deploy.MirrorInStep, From: deploy.Blue, To: deploy.Green, LagMS: 0.4},
		Copy:   &deploy.CopyEstimate{Keys: 1, Bytes: 1200}, EstimatedHoldMS: 48, EstimatedFrom: "the longest wait in the median of the newest 5 cutovers in which requests waited",
		StopWorkers: []string{"shop-blue-jobs-1"}, StartWorkers: []string{"shop-green-jobs-1"}, Obstacles: []string{"green is not healthy: answered 500"},
	}
	w.mux.HandleFunc("POST /apps/shop/switch", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("dry_run") != "true" {
			t.Error("the traffic was moved")
		}
		reply(rw, http.StatusOK, plan)
	})
	w.run(t, "switch", "green", "--dry-run").want(t, exitOK,
		"DRY RUN     nothing is changed\n",
		"traffic     shop would go from blue to green (3f2a1b4c5d6e)\n",
		"before it   1 of the operations that are queued or running\n",
		"mirror      green follows blue, in step, 0.4 ms behind\n",
		"copy        1 key (1.2 kB)\n",
		"in flight   12 requests\n",
		"hold        about 48 ms: the longest wait in the median of the newest 5 cutovers in which requests waited\n",
		"stop        shop-blue-jobs-1\n",
		"start       shop-green-jobs-1\n",
		"obstacle    green is not healthy: answered 500\n")
	w.run(t, "switch", "--dry-run", "--json").want(t, exitOK, `"estimated_hold_ms": 48`)
	plan = deploy.SwitchPlan{App: "shop", To: deploy.Green, InFlight: -1}
	r := w.run(t, "switch", "green", "--dry-run")
	r.want(t, exitOK, "green of shop (-) would be the first to be live", "unknown: this router does not tell")
	if strings.Contains(r.out, "mirror") || strings.Contains(r.out, "obstacle") {
		t.Errorf("what there is none of is shown:\n%s", r.out)
	}
}

func TestADryRunIsRefusedLikeTheSwitch(t *testing.T) {
	w := newWorkplace(t)
	w.mux.HandleFunc("POST /apps/shop/switch", func(rw http.ResponseWriter, _ *http.Request) {
		problem(rw, http.StatusConflict, "green is not running", "type verdigris deploy green first")
	})
	w.run(t, "switch", "--dry-run").want(t, exitConflict, "green is not running", "verdigris deploy green")
}
