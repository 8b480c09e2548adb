package store

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"verdigris/deploy"
)

func TestADeploymentComesBackAsItWasSaved(t *testing.T) {
	s := open(t)
	d := must[deploy.Deployment](t)(s.Create(t.Context(), queued("shop", commitA)))
	if d.ID == 0 || d.Phases == nil {
		t.Fatalf("got %+v, want an ID and an empty list of phases", d)
	}
	if got := must[deploy.Deployment](t)(s.Get(t.Context(), d.ID)); !reflect.DeepEqual(got, d) {
		t.Fatalf("created:\n got %+v\nwant %+v", got, d)
	}
	begin := time.Date(2026, 11, 21, 8, 0, 0, 123456789, time.UTC)
	d.Kind, d.Slice, d.From, d.Subject, d.Rebuild, d.State = deploy.KindDeploy, deploy.Green, deploy.Blue, "Say hello", true, deploy.StateRolledBack
	d.StartedAt, d.EndedAt = begin, begin.Add(time.Minute)
	d.Images = map[string]string{"web": "sha256:1"}
	d.Digests = map[string]string{"db": "redis@sha256:2"}
	d.Stayed, d.Held, d.LongestHold = 2, 31, 48
	d.Error = &deploy.Failure{Phase: deploy.PhaseVerify, Reason: "500", Serving: "blue", Next: "look", Log: []string{"a", "b"}}
	d.Phases = []deploy.PhaseRecord{
		{Phase: deploy.PhaseFetch, State: deploy.PhaseDone, StartedAt: begin, EndedAt: begin.Add(time.Second), Detail: "fetched"},
		{Phase: deploy.PhaseVerify, State: deploy.PhaseFailed, StartedAt: begin, EndedAt: begin.Add(time.Second), Error: "500"},
		{Phase: deploy.PhaseReturn, State: deploy.PhaseRunning, StartedAt: begin},
	}
	check(t, s.Save(t.Context(), d))
	if got := must[deploy.Deployment](t)(s.Get(t.Context(), d.ID)); !reflect.DeepEqual(got, d) {
		t.Fatalf("saved:\n got %+v\nwant %+v", got, d)
	}
	d.Phases = d.Phases[:1]
	check(t, s.Save(t.Context(), d))
	if got := must[deploy.Deployment](t)(s.Get(t.Context(), d.ID)); len(got.Phases) != 1 {
		t.Errorf("got %d phases after two were taken back", len(got.Phases))
	}
}

func TestAnUnknownDeploymentIsToldApart(t *testing.T) {
	s := open(t)
	if _, err := s.Get(t.Context(), 7); !errors.Is(err, deploy.ErrUnknownDeployment) {
		t.Errorf("get: %v", err)
	}
	if err := s.Save(t.Context(), deploy.Deployment{ID: 7}); !errors.Is(err, deploy.ErrUnknownDeployment) {
		t.Errorf("save: %v", err)
	}
	if err := s.Append(t.Context(), deploy.Event{Deployment: 7, Seq: 1}); err == nil {
		t.Error("an event of a deployment that does not exist was stored")
	}
}

func TestListIsNewestFirstAndUnfinishedOldestFirst(t *testing.T) {
	s := open(t)
	var ids []int64
	for range 60 {
		ids = append(ids, must[deploy.Deployment](t)(s.Create(t.Context(), queued("shop", commitA))).ID)
	}
	must[deploy.Deployment](t)(s.Create(t.Context(), queued("other", commitA)))
	if got := must[[]deploy.Deployment](t)(s.List(t.Context(), "shop", 0)); len(got) != 50 || got[0].ID != ids[59] || got[49].ID != ids[10] {
		t.Errorf("limit 0: got %d from %d", len(got), got[0].ID)
	}
	if got := must[[]deploy.Deployment](t)(s.List(t.Context(), "shop", 2)); len(got) != 2 || got[1].ID != ids[58] {
		t.Errorf("limit 2: got %+v", got)
	}
	for i, state := range []deploy.State{deploy.StateSucceeded, deploy.StateRunning, deploy.StateAborted} {
		d := must[deploy.Deployment](t)(s.Get(t.Context(), ids[i]))
		d.State = state
		check(t, s.Save(t.Context(), d))
	}
	got := must[[]deploy.Deployment](t)(s.Unfinished(t.Context(), "shop"))
	if len(got) != 58 || got[0].ID != ids[1] || got[1].ID != ids[3] {
		t.Errorf("got %d unfinished from %d", len(got), got[0].ID)
	}
	if none := must[[]deploy.Deployment](t)(s.List(t.Context(), "nobody", 0)); none == nil || len(none) != 0 {
		t.Errorf("got %v for an app without deployments", none)
	}
}
