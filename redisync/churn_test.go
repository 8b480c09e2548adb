package redisync

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// Transfers are begun and given up at any moment, two at a time, while the mirror is switched on and off, with a lookout in
// its place, and its connections are killed. In the end nothing is left of all that, and the mirror works. It has the
// process for itself, since it counts goroutines.
func TestTransfer_RoundsGivenUpAtAnyMoment_LeaveNothing(t *testing.T) {
	r := testkit.Random(t)
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "s:list0", 2000, 50)
	d := newData(t, from, to, stressKeys...)
	d.Fencing = false
	before := runtime.NumGoroutine()
	writes := mix(t, from, 1, r.Uint64())
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 2 {
		chance := rand.New(rand.NewPCG(r.Uint64(), 0))
		group.Go(func() { giveUp(ctx, d, chance) })
	}
	for range testkit.Rounds(t, 20) {
		disturb(t, d, r, from, to)
		writes.more(t, r.IntN(100)) // transfers come to any point meanwhile
	}
	cancel()
	group.Wait()
	writes.stop()
	startedMirror(t, d)
	session := settled(t, d, deploy.Blue)
	requireEqualKeys(t, from, to, stressKeys)
	session.Close()
	d.Mirror("")
	for _, s := range []*testServer{from, to} {
		testkit.Eventually(t, "nobody watches or follows a server", func() bool { return clients(t, s, "t")+clients(t, s, "S") == 0 })
	}
	testkit.Eventually(t, "all goroutines are over", func() bool { return runtime.NumGoroutine() <= before+2 }) // the test's own clients may have some
}

// disturb switches the mirror or a lookout, and kills connections.
func disturb(t *testing.T, d *Data, r *rand.Rand, from, to *testServer) {
	if live := []deploy.Slice{deploy.Blue, deploy.Blue, deploy.Blue, ""}[r.IntN(4)]; live != "" {
		d.Mirror(live)
	} else {
		d.Mirror("")
		d.LookOut(deploy.Green)
	}
	killer := redis.NewClient(&redis.Options{Addr: []string{from.address, to.address}[r.IntN(2)]})
	defer killer.Close()
	killer.Do(t.Context(), "CLIENT", "KILL", "TYPE", []string{"normal", "replica"}[r.IntN(2)], "SKIPME", "yes")
}

// giveUp begins transfers and goes some part of their way.
func giveUp(ctx context.Context, d *Data, r *rand.Rand) {
	for ctx.Err() == nil {
		step, cancel := context.WithTimeout(ctx, time.Duration(r.IntN(150_000))*time.Microsecond)
		if session, err := d.Begin(step, deploy.Blue, deploy.Green); err == nil {
			session.Copy(step, nil)
			if r.IntN(2) == 0 {
				session.Settle(step)
			}
			session.Close()
		}
		cancel()
	}
}
