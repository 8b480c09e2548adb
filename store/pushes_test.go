package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"verdigris/deploy"
)

func push(delivery string, c deploy.Commit) deploy.Push {
	return deploy.Push{Forge: "github", Delivery: delivery, Ref: "refs/heads/main", Commit: c}
}

func (s *Store) pushed(t *testing.T, delivery string, c deploy.Commit) (id int64, duplicate bool) {
	t.Helper()
	d, duplicate, err := s.CreateForPush(t.Context(), queued("shop", c), push(delivery, c))
	check(t, err)
	return d.ID, duplicate
}

func (s *Store) ends(t *testing.T, id int64, state deploy.State) {
	t.Helper()
	d := must[deploy.Deployment](t)(s.Get(t.Context(), id))
	d.State = state
	check(t, s.Save(t.Context(), d))
}

func TestWhatMakesAPushADuplicate(t *testing.T) {
	for name, c := range map[string]struct {
		before   func(t *testing.T, s *Store) int64 // returns the deployment that a duplicate would answer with
		delivery string
		commit   deploy.Commit
		want     bool
	}{
		"the same delivery while it is queued": {first("d1", commitA, ""), "d1", commitA, true},
		"the same delivery after success":      {first("d1", commitA, deploy.StateSucceeded), "d1", commitA, true},
		"the same delivery when superseded":    {first("d1", commitA, deploy.StateSuperseded), "d1", commitA, false},
		"the same delivery after an abort":     {minuteAgo("d1", commitA, deploy.StateAborted), "d1", commitA, false},
		"the same delivery after a roll back":  {first("d1", commitA, deploy.StateRolledBack), "d1", commitA, true},
		"the same delivery after a failure":    {first("d1", commitA, deploy.StateFailed), "d1", commitA, true},
		"the same commit after a roll back":    {first("d1", commitA, deploy.StateRolledBack), "d2", commitA, true},
		"the same commit while it is queued":   {first("d1", commitA, ""), "d2", commitA, true},
		"the same commit while it runs":        {first("d1", commitA, deploy.StateRunning), "d2", commitA, true},
		"the same commit after success":        {first("d1", commitA, deploy.StateSucceeded), "d2", commitA, true},
		"the same commit after an abort":       {first("d1", commitA, deploy.StateAborted), "d2", commitA, false},
		"another commit":                       {first("d1", commitA, deploy.StateSucceeded), "d2", commitB, false},
		"a commit that was replaced since": {func(t *testing.T, s *Store) int64 {
			id := first("d1", commitA, deploy.StateSucceeded)(t, s)
			first("d2", commitB, deploy.StateSucceeded)(t, s)
			return id
		}, "d3", commitA, false},
		"a commit to which a push goes back while its successor waits": {func(t *testing.T, s *Store) int64 {
			id := first("d1", commitA, deploy.StateSucceeded)(t, s)
			first("d2", commitB, "")(t, s)
			return id
		}, "d3", commitA, false},
		"a running commit to which a push goes back while its successor waits": {func(t *testing.T, s *Store) int64 {
			id := first("d1", commitA, deploy.StateRunning)(t, s)
			first("d2", commitB, "")(t, s)
			return id
		}, "d3", commitA, false},
		"a commit whose successor failed": {func(t *testing.T, s *Store) int64 {
			id := first("d1", commitA, deploy.StateSucceeded)(t, s)
			first("d2", commitB, deploy.StateAborted)(t, s)
			return id
		}, "d3", commitA, true},
		"a commit that succeeded by hand": {func(t *testing.T, s *Store) int64 {
			return byHand(t, s, func(d *deploy.Deployment) { d.State = deploy.StateSucceeded })
		}, "d1", commitA, false},
		"a commit that is going live by hand": {func(t *testing.T, s *Store) int64 {
			return byHand(t, s, func(d *deploy.Deployment) { d.Slice = deploy.Green })
		}, "d1", commitA, true},
		"a commit that is on its way to staging": {func(t *testing.T, s *Store) int64 {
			return byHand(t, s, func(d *deploy.Deployment) { d.Slice, d.Promote = deploy.Staging, false })
		}, "d1", commitA, false},
		"a commit that is being deployed without going live": {func(t *testing.T, s *Store) int64 {
			return byHand(t, s, func(d *deploy.Deployment) { d.Slice, d.Promote = deploy.Green, false })
		}, "d1", commitA, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			before := c.before(t, s)
			id, duplicate := s.pushed(t, c.delivery, c.commit)
			if duplicate != c.want || (id == before) != c.want {
				t.Fatalf("got deployment %d duplicate %v after %d, want duplicate %v", id, duplicate, before, c.want)
			}
			if again, duplicate := s.pushed(t, c.delivery, c.commit); again != id || !duplicate {
				t.Errorf("delivered again: got deployment %d duplicate %v, want %d", again, duplicate, id)
			}
		})
	}
}

// first makes the push that comes before the one under test; state "" leaves it queued.
func first(delivery string, c deploy.Commit, state deploy.State) func(*testing.T, *Store) int64 {
	return func(t *testing.T, s *Store) int64 {
		t.Helper()
		id, _ := s.pushed(t, delivery, c)
		if state != "" {
			s.ends(t, id, state)
		}
		return id
	}
}

// minuteAgo is first, a minute ago.
func minuteAgo(delivery string, c deploy.Commit, state deploy.State) func(*testing.T, *Store) int64 {
	return func(t *testing.T, s *Store) int64 {
		t.Helper()
		id := first(delivery, c, state)(t, s)
		check(t, s.writer.submit(t.Context(), false, func(w *tx) error {
			_, err := w.exec(`UPDATE deployments SET created_at = created_at - ? WHERE id = ?`, int64(againAfter), id)
			return err
		}))
		return id
	}
}

func TestCreateForPush_DeliveryAgainRightAfterAnAbort_IsTooSoon(t *testing.T) {
	s := open(t)
	id := first("d1", commitA, deploy.StateAborted)(t, s)
	_, _, err := s.CreateForPush(t.Context(), queued("shop", commitA), push("d1", commitA))
	soon := (*deploy.TooSoonError)(nil)
	if !errors.As(err, &soon) || soon.Deployment != id || soon.Wait <= 0 || soon.Wait > againAfter {
		t.Fatalf("%v", err)
	}
	if all := must[[]deploy.Deployment](t)(s.List(t.Context(), "shop", 0)); len(all) != 1 {
		t.Errorf("there are %d deployments", len(all))
	}
	if _, duplicate := s.pushed(t, "d2", commitB); duplicate {
		t.Error("another push is taken for it")
	}
}

func TestOvertook_PushesInAnyOrder_SaysWhichIsNewer(t *testing.T) {
	s := open(t)
	deliver := func(delivery string, before, c deploy.Commit) {
		t.Helper()
		p := push(delivery, c)
		p.Before = before
		_, _, err := s.CreateForPush(t.Context(), queued("shop", c), p)
		check(t, err)
	}
	newer := func(c deploy.Commit) deploy.Commit {
		t.Helper()
		return must[deploy.Commit](t)(s.Overtook(t.Context(), "shop", "refs/heads/main", c))
	}
	deliver("b", commitA, commitB)
	if newer(commitA) != commitB || newer(commitB) != "" {
		t.Errorf("newer than a: %q, than b: %q", newer(commitA), newer(commitB))
	}
	deliver("a, late", deploy.Commit(strings.Repeat("0", 39)+"1"), commitA)
	if newer(commitA) != commitB {
		t.Errorf("after the late delivery: %q", newer(commitA))
	}
	deliver("back to a", commitB, commitA)
	if newer(commitA) != "" || newer(commitB) != commitA {
		t.Errorf("after the way back: newer than a: %q, than b: %q", newer(commitA), newer(commitB))
	}
	if other := must[deploy.Commit](t)(s.Overtook(t.Context(), "shop", "refs/heads/other", commitB)); other != "" {
		t.Errorf("on another branch: %q", other)
	}
}

func byHand(t *testing.T, s *Store, change func(*deploy.Deployment)) int64 {
	t.Helper()
	d := queued("shop", commitA)
	d.Trigger = deploy.Trigger{By: deploy.ByAPI}
	change(&d)
	return must[deploy.Deployment](t)(s.Create(t.Context(), d)).ID
}

func TestPushesToAppsAreApart(t *testing.T) {
	s := open(t)
	one, _ := s.pushed(t, "d1", commitA)
	two, duplicate, err := s.CreateForPush(t.Context(), queued("other", commitA), push("d1", commitA))
	if check(t, err); duplicate || two.ID == one {
		t.Error("the same delivery to another app was taken for a duplicate")
	}
}

func TestRacingDeliveriesMakeOneDeployment(t *testing.T) {
	s := open(t)
	const n = 32
	var (
		racers sync.WaitGroup
		begin  = make(chan struct{})
		ids    [2 * n]int64
		fresh  [2 * n]bool
	)
	for i := range ids {
		delivery := "the same"
		if i >= n {
			delivery = fmt.Sprintf("another %d", i)
		}
		racers.Go(func() {
			<-begin
			d, duplicate, err := s.CreateForPush(t.Context(), queued("shop", commitA), push(delivery, commitA))
			if err != nil {
				t.Error(err)
			}
			ids[i], fresh[i] = d.ID, !duplicate
		})
	}
	close(begin)
	racers.Wait()
	created := 0
	for i := range ids {
		if fresh[i] {
			created++
		}
		if ids[i] != ids[0] {
			t.Errorf("racer %d got deployment %d, another got %d", i, ids[i], ids[0])
		}
	}
	if all := must[[]deploy.Deployment](t)(s.List(t.Context(), "shop", 0)); created != 1 || len(all) != 1 {
		t.Errorf("%d racers created one, %d are stored, want 1", created, len(all))
	}
}

func TestRacingProcessesMakeOneDeployment(t *testing.T) {
	one := open(t)
	stores := []*Store{one, open(t, one.path)} // two writers on one file, as two processes have
	var racers sync.WaitGroup
	for i := range 32 {
		racers.Go(func() {
			if _, _, err := stores[i%2].CreateForPush(t.Context(), queued("shop", commitA), push("d1", commitA)); err != nil {
				t.Error(err)
			}
		})
	}
	racers.Wait()
	if all := must[[]deploy.Deployment](t)(stores[1].List(t.Context(), "shop", 0)); len(all) != 1 {
		t.Errorf("%d deployments were created, want 1", len(all))
	}
}

func BenchmarkCreateForPush(b *testing.B) {
	for _, racers := range []int{1, 32} {
		b.Run(fmt.Sprintf("%d at a time", racers), func(b *testing.B) {
			s := open(b)
			var count atomic.Int64
			var group sync.WaitGroup
			for range racers {
				group.Go(func() {
					for n := count.Add(1); n <= int64(b.N); n = count.Add(1) {
						d := queued("shop", deploy.Commit(fmt.Sprintf("%040d", n)))
						d.State = deploy.StateSuperseded // as in life, few of them are unfinished
						if _, _, err := s.CreateForPush(b.Context(), d, push(string(d.Commit), d.Commit)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			group.Wait()
		})
	}
}
