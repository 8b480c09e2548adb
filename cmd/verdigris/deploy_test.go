package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"
)

var began = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func ended(state deploy.State, failure *deploy.Failure) deploy.Deployment {
	return deploy.Deployment{ID: 7, App: "shop", Kind: deploy.KindDeploy, Slice: deploy.Green, Commit: commit, Promote: true,
		State: state, Error: failure, CreatedAt: began, StartedAt: began, EndedAt: began.Add(4200 * time.Millisecond)}
}

func phase(seq int64, name deploy.Phase, state deploy.PhaseState, detail string) deploy.Event {
	r := &deploy.PhaseRecord{Phase: name, State: state, StartedAt: began, Detail: detail}
	if state != deploy.PhaseRunning {
		r.EndedAt = began.Add(1500 * time.Millisecond)
	}
	return deploy.Event{Deployment: 7, Seq: seq, Type: deploy.EventPhase, Phase: name, Record: r}
}

// serveDeployment answers a request to deploy, its events and its end.
func (w *workplace) serveDeployment(end deploy.Deployment, events ...deploy.Event) (asked *atomic.Value) {
	asked = &atomic.Value{}
	w.mux.HandleFunc("POST /apps/shop/deploy/{slice}", func(rw http.ResponseWriter, r *http.Request) {
		var body map[string]any
		json.NewDecoder(r.Body).Decode(&body)
		text, _ := json.Marshal(body)
		asked.Store(r.PathValue("slice") + " " + string(text))
		queued := end
		queued.State, queued.Error = deploy.StateQueued, nil
		reply(rw, http.StatusAccepted, queued)
	})
	w.mux.HandleFunc("GET /deployments/7/events", func(rw http.ResponseWriter, r *http.Request) { writeEvents(rw, events...) })
	w.mux.HandleFunc("GET /deployments/7", func(rw http.ResponseWriter, r *http.Request) { reply(rw, http.StatusOK, end) })
	return asked
}

func TestDeployShowsThePhasesAndItsEnd(t *testing.T) {
	w := newWorkplace(t)
	asked := w.serveDeployment(ended(deploy.StateSucceeded, nil),
		phase(1, deploy.PhaseBuild, deploy.PhaseRunning, ""), phase(2, deploy.PhaseBuild, deploy.PhaseDone, "2 images"))
	w.run(t, "deploy", "green", "--commit", string(commit), "--rebuild", "--switch").want(t, exitOK,
		"deployment 7: deploy 3f2a1b4c5d6e to green of shop\n", "  build       1.50 s  2 images\n", "green is live after 4.2 s")
	if want := `green {"commit":"` + string(commit) + `","promote":true,"rebuild":true}`; asked.Load() != want {
		t.Errorf("asked for %v, want %s", asked.Load(), want)
	}
}

func TestTheMomentInWhichTheTrafficMovedIsTold(t *testing.T) {
	w := newWorkplace(t)
	end := ended(deploy.StateSucceeded, nil)
	end.Phases = []deploy.PhaseRecord{*phase(1, deploy.PhaseRoute, deploy.PhaseDone, "").Record}
	w.serveDeployment(end)
	w.run(t, "deploy", "--switch").want(t, exitOK, "green is live after 1.5 s; all done after 4.2 s\n")
}

func TestDeployWithoutASliceTakesTheIdleOne(t *testing.T) {
	w := newWorkplace(t)
	asked := w.serveDeployment(ended(deploy.StateSucceeded, nil))
	w.run(t, "deploy").want(t, exitOK)
	if asked.Load() != "auto {}" {
		t.Errorf("asked for %v", asked.Load())
	}
}

func TestAnAbortedDeploymentSaysWhyWhatServesAndWhatToDo(t *testing.T) {
	w := newWorkplace(t)
	w.serveDeployment(ended(deploy.StateAborted, &deploy.Failure{Phase: deploy.PhaseProbe, Reason: "answered 500",
		Serving: "blue (aaaa) is live and serving", Next: "mend the app and push again"}),
		phase(1, deploy.PhaseBuild, deploy.PhaseRunning, ""),
		deploy.Event{Seq: 2, Type: deploy.EventLog, Message: "building"},
		phase(3, deploy.PhaseBuild, deploy.PhaseDone, ""),
		phase(4, deploy.PhaseProbe, deploy.PhaseRunning, ""),
		deploy.Event{Seq: 5, Type: deploy.EventLog, Message: "panic: no database"},
		phase(6, deploy.PhaseProbe, deploy.PhaseFailed, ""))
	r := w.run(t, "deploy", "green")
	r.want(t, exitAborted, "deployment 7 aborted", "probe       1.50 s  failed", "| panic: no database",
		"reason:  answered 500", "serving: blue (aaaa) is live and serving", "next:    mend the app and push again")
	if strings.Contains(r.out, "| building") {
		t.Error("the log of an earlier phase is shown")
	}
}

func TestEveryEndHasItsExitCode(t *testing.T) {
	for state, code := range map[deploy.State]int{
		deploy.StateSucceeded: 0, deploy.StateAborted: 5, deploy.StateRolledBack: 6, deploy.StateSuperseded: 7, deploy.StateFailed: 8,
	} {
		t.Run(string(state), func(t *testing.T) {
			w := newWorkplace(t)
			w.serveDeployment(ended(state, nil))
			w.run(t, "deploy", "green").want(t, code)
		})
	}
}

func TestWithJSONEveryEventIsALineAndTheEndIsTheLast(t *testing.T) {
	w := newWorkplace(t)
	w.serveDeployment(ended(deploy.StateSucceeded, nil), phase(1, deploy.PhaseBuild, deploy.PhaseDone, ""))
	r := w.run(t, "deploy", "green", "--json")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(lines) != 2 {
		t.Fatalf("got %q", r.out)
	}
	var event deploy.Event
	if err := json.Unmarshal([]byte(lines[0]), &event); err != nil || event.Phase != deploy.PhaseBuild {
		t.Errorf("event: %v, %v", event, err)
	}
	var end struct {
		Type   string
		Result deploy.Deployment
	}
	if err := json.Unmarshal([]byte(lines[1]), &end); err != nil || end.Type != "end" || end.Result.State != deploy.StateSucceeded {
		t.Errorf("end: %v, %v", end, err)
	}
}

func TestALostStreamIsTakenUpWhereItBroke(t *testing.T) {
	w := newWorkplace(t)
	var streams, looks atomic.Int32
	end := ended(deploy.StateSucceeded, nil)
	w.mux.HandleFunc("POST /apps/shop/rollback", func(rw http.ResponseWriter, r *http.Request) { reply(rw, http.StatusAccepted, end) })
	w.mux.HandleFunc("GET /deployments/7/events", func(rw http.ResponseWriter, r *http.Request) {
		if streams.Add(1) == 1 {
			writeEvents(rw, phase(1, deploy.PhaseFetch, deploy.PhaseDone, ""))
			panic(http.ErrAbortHandler)
		}
		if after := r.URL.Query().Get("after"); after != "1" {
			t.Errorf("the second stream begins after %s", after)
		}
		writeEvents(rw, phase(2, deploy.PhaseBuild, deploy.PhaseDone, ""))
	})
	w.mux.HandleFunc("GET /deployments/7", func(rw http.ResponseWriter, r *http.Request) {
		looks.Add(1)
		reply(rw, http.StatusOK, end)
	})
	r := w.run(t, "rollback")
	r.want(t, exitOK, "fetch", "build")
	if strings.Count(r.out, "fetch") != 1 || streams.Load() != 2 || looks.Load() != 1 {
		t.Errorf("streams %d, looks %d:\n%s", streams.Load(), looks.Load(), r.out)
	}
}

func TestCtrlCStopsFollowingAndNotTheDeployment(t *testing.T) {
	w := newWorkplace(t)
	ctx, interrupt := context.WithCancel(t.Context())
	w.mux.HandleFunc("POST /apps/shop/switch", func(rw http.ResponseWriter, r *http.Request) {
		reply(rw, http.StatusAccepted, ended(deploy.StateQueued, nil))
	})
	w.mux.HandleFunc("GET /deployments/7/events", func(rw http.ResponseWriter, r *http.Request) {
		writeEvents(rw, phase(1, deploy.PhaseHold, deploy.PhaseRunning, ""))
		interrupt()
		<-r.Context().Done()
	})
	w.runContext(ctx, "switch").want(t, exitInterrupt, "no longer following; deployment 7 goes on: verdigris history 7")
}

func TestDetachedCommandsSayWhichDeploymentItIs(t *testing.T) {
	w := newWorkplace(t)
	w.serveDeployment(ended(deploy.StateSucceeded, nil))
	w.run(t, "deploy", "--detach").want(t, exitOK, "deployment 7 is queued: verdigris history 7")
}

func TestHistoryNamesTheImagesThatCameFromARegistry(t *testing.T) {
	w := newWorkplace(t)
	end := ended(deploy.StateSucceeded, nil)
	end.Digests = map[string]string{"web": "shop/web@sha256:1", "cache": "redis@sha256:2"}
	w.serveDeployment(end)
	w.run(t, "history", "7").want(t, exitOK, "cache: redis@sha256:2\nweb: shop/web@sha256:1\n")
	w.run(t, "history", "7", "--json").want(t, exitOK, `"redis@sha256:2"`)
}
