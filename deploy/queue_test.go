package deploy_test

import (
	"context"
	"errors"
	"testing"

	"verdigris/deploy"
)

// blocked makes fetches wait until the returned function is called.
func (h *house) blocked() (started <-chan struct{}, release func()) {
	begun, gate := make(chan struct{}, 100), make(chan struct{})
	h.source.fetch = func(ctx context.Context, _ deploy.Commit) error {
		begun <- struct{}{}
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return begun, func() { close(gate) }
}

func (h *house) pushed(delivery string, c deploy.Commit) deploy.Deployment {
	h.t.Helper()
	out, err := h.Push(context.Background(), "shop", deploy.Push{Forge: "github", Delivery: delivery, Commit: c})
	if err != nil {
		h.t.Fatal(err)
	}
	return out.Deployment
}

func TestOneOperationRunsAtATimeAndTheNewestWaitingPushWins(t *testing.T) {
	h := newHouse(t).blueLive()
	started, release := h.blocked()
	first := h.pushed("1", commitA)
	<-started
	second, third := h.pushed("2", commitB), h.pushed("3", commitC)
	s, err := h.Status(context.Background(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if s.Running == nil || s.Running.ID != first.ID || len(s.Queued) != 1 || s.Queued[0].ID != third.ID {
		t.Errorf("running %+v, queued %+v", s.Running, s.Queued)
	}
	equal(t, "second", string(h.ended(second, nil).State), "superseded")
	release()
	equal(t, "first", string(h.ended(first, nil).State), "succeeded")
	equal(t, "third", string(h.ended(third, nil).State), "succeeded")
	equal(t, "live", h.live(), "blue c")
}

func TestARedeliveryIsTheSameDeployment(t *testing.T) {
	h := newHouse(t).blueLive()
	d := h.pushed("1", commitB)
	out, err := h.Push(context.Background(), "shop", deploy.Push{Forge: "github", Delivery: "1", Commit: commitB})
	if err != nil || !out.Duplicate || out.Deployment.ID != d.ID {
		t.Errorf("redelivery: %+v %v", out, err)
	}
}

func TestAFullQueueRefusesAndAPushStillFindsItsPlace(t *testing.T) {
	h := newHouse(t).blueLive()
	started, release := h.blocked()
	defer release()
	h.pushed("0", commitA)
	<-started
	h.pushed("1", commitB)
	var err error
	for i := 0; err == nil && i < 100; i++ {
		_, err = h.Deploy(context.Background(), "shop", deploy.DeployRequest{Commit: commitC})
	}
	if !errors.Is(err, deploy.ErrQueueFull) {
		t.Fatalf("got %v, want a full queue", err)
	}
	if d := h.pushed("2", commitC); d.State != deploy.StateQueued {
		t.Errorf("the newest push: %s", d.State)
	}
}

func TestAStopInTheMiddleAbortsAndTheWaitingOnesAreDoneAfterTheNextStart(t *testing.T) {
	h := newHouse(t).blueLive()
	started, release := h.blocked()
	first := h.pushed("1", commitA)
	<-started
	second := h.pushed("2", commitB)
	h.stop()
	release()
	d := h.ended(first, nil)
	equal(t, "first", string(d.State), "aborted")
	equal(t, "next step", d.Error.Next, "verdigris deploy --commit "+string(commitA)+" --switch tries again")
	h.start()
	equal(t, "second", string(h.ended(second, nil).State), "succeeded")
	equal(t, "live", h.live(), "green b")
}

func TestReadersGetEveryEventOnceInOrderWhereverTheyBegin(t *testing.T) {
	h := newHouse(t).blueLive()
	d := h.deploy("", commitB, true)
	for _, after := range []int64{0, 3} {
		events, err := h.Events(context.Background(), d.ID, after)
		if err != nil {
			t.Fatal(err)
		}
		next := after + 1
		for e := range events {
			if e.Seq != next {
				t.Fatalf("after %d: got event %d, want %d", after, e.Seq, next)
			}
			next++
		}
		if next == after+1 {
			t.Errorf("after %d: no event", after)
		}
	}
	if _, err := h.Events(context.Background(), 99, 0); !errors.Is(err, deploy.ErrUnknownDeployment) {
		t.Errorf("unknown deployment: %v", err)
	}
}
