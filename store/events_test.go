package store

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"verdigris/deploy"
)

func TestEventsComeBackInOrderFromAnyNumber(t *testing.T) {
	s := open(t)
	d := must[deploy.Deployment](t)(s.Create(t.Context(), queued("shop", commitA)))
	now := time.Now().UTC().Round(0)
	want := []deploy.Event{
		{Deployment: d.ID, Seq: 1, Time: now, Type: deploy.EventState, State: deploy.StateRunning},
		{Deployment: d.ID, Seq: 2, Time: now, Type: deploy.EventPhase, Phase: deploy.PhaseBuild, Record: &deploy.PhaseRecord{Phase: deploy.PhaseBuild, State: deploy.PhaseRunning, StartedAt: now}},
		{Deployment: d.ID, Seq: 3, Time: now, Type: deploy.EventLog, Phase: deploy.PhaseBuild, Message: "web [1/2] RUN make \x1b[1m",
			Step: &deploy.Step{Service: "web", Name: "[1/2] RUN make", State: deploy.StepFailed, Seconds: 1.5}},
		{Deployment: d.ID, Seq: 4, Time: now, Type: deploy.EventProgress, Phase: deploy.PhaseCopy, Message: "half"},
	}
	for _, e := range want {
		check(t, s.Append(t.Context(), e))
	}
	if got := must[[]deploy.Event](t)(s.Events(t.Context(), d.ID, 0)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got := must[[]deploy.Event](t)(s.Events(t.Context(), d.ID, 3)); len(got) != 1 || got[0].Seq != 4 {
		t.Errorf("after 3: got %+v", got)
	}
	if got := must[[]deploy.Event](t)(s.Events(t.Context(), d.ID, 4)); got == nil || len(got) != 0 {
		t.Errorf("after the last: got %+v", got)
	}
	if err := s.Append(t.Context(), want[0]); err == nil {
		t.Error("a number was given twice")
	}
}

func TestTheOldestLogLinesAreDropped(t *testing.T) {
	s := open(t)
	s.LogLines = 300
	d := must[deploy.Deployment](t)(s.Create(t.Context(), queued("shop", commitA)))
	const last = 1000
	for seq := int64(1); seq <= last; seq++ {
		e := deploy.Event{Deployment: d.ID, Seq: seq, Type: deploy.EventLog, Message: fmt.Sprint("line ", seq)}
		if seq == 2 {
			e.Type = deploy.EventPhase
		}
		check(t, s.Append(t.Context(), e))
	}
	got := must[[]deploy.Event](t)(s.Events(t.Context(), d.ID, 0))
	if len(got) != 301 || got[0].Seq != 2 || got[1].Seq != last-299 || got[300].Message != "line 1000" {
		t.Errorf("got %d events from %d, want the phase and the last 300 lines under their numbers", len(got), got[0].Seq)
	}
}

func TestOldDeploymentsLoseTheirEventsAndKeepTheirRecord(t *testing.T) {
	s := open(t)
	s.KeepEvents = 2
	var ids []int64
	for i := range 5 {
		d := must[deploy.Deployment](t)(s.Create(t.Context(), queued("shop", commitA)))
		ids = append(ids, d.ID)
		check(t, s.Append(t.Context(), deploy.Event{Deployment: d.ID, Seq: 1, Type: deploy.EventState}))
		d.State = deploy.StateSucceeded
		if i == 0 {
			d.State = deploy.StateRunning
		}
		d.Phases = []deploy.PhaseRecord{{Phase: deploy.PhaseFetch, State: deploy.PhaseDone}}
		check(t, s.Save(t.Context(), d))
	}
	for i, want := range []int{1, 0, 0, 1, 1} { // the first is still running
		if got := must[[]deploy.Event](t)(s.Events(t.Context(), ids[i], 0)); len(got) != want {
			t.Errorf("deployment %d has %d events, want %d", i, len(got), want)
		}
		if d := must[deploy.Deployment](t)(s.Get(t.Context(), ids[i])); len(d.Phases) != 1 {
			t.Errorf("deployment %d lost its phases", i)
		}
	}
}

func TestReadersSeeWhatWasAcknowledgedWhileOthersWrite(t *testing.T) {
	s := open(t)
	var writers sync.WaitGroup
	for range 8 {
		d := must[deploy.Deployment](t)(s.Create(t.Context(), queued("shop", commitA)))
		writers.Go(func() {
			for seq := int64(1); seq <= 50; seq++ {
				if err := s.Append(t.Context(), deploy.Event{Deployment: d.ID, Seq: seq, Type: deploy.EventLog}); err != nil {
					t.Error(err)
					return
				}
				if got, err := s.Events(t.Context(), d.ID, seq-1); err != nil || len(got) != 1 {
					t.Errorf("event %d of %d is not there: %v", seq, d.ID, err)
				}
			}
		})
	}
	writers.Wait()
}

func BenchmarkAppendLogLine(b *testing.B) {
	s := open(b)
	d := must[deploy.Deployment](b)(s.Create(b.Context(), queued("shop", commitA)))
	for seq := int64(1); b.Loop(); seq++ {
		check(b, s.Append(b.Context(), deploy.Event{Deployment: d.ID, Seq: seq, Type: deploy.EventLog, Message: "Step 3/9 : RUN go build ./..."}))
	}
}
