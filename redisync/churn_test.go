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
)

// Transfers are begun and given up at any moment, two at a time, while the mirror is switched on and off, with a lookout in
// its place, and its connections are killed. In the end nothing is left of all that, and the mirror works.
func TestNothingIsLeftOfTransfersThatAreGivenUpAtAnyMoment(t *testing.T) {
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "s:list0", 2000, 50)
	d := newData(t, from, to, stressKeys...)
	d.Fencing = false
	before := runtime.NumGoroutine()
	stop := mix(t, from, 1, 5)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	var group sync.WaitGroup
	for who := range uint64(2) {
		group.Go(func() { giveUp(ctx, d, rand.New(rand.NewPCG(who, 1))) })
	}
	group.Go(func() {
		r := rand.New(rand.NewPCG(7, 7))
		for ctx.Err() == nil {
			if live := []deploy.Slice{deploy.Blue, deploy.Blue, deploy.Blue, ""}[r.IntN(4)]; live != "" {
				d.Mirror(live)
			} else {
				d.Mirror("")
				d.LookOut(deploy.Green)
			}
			time.Sleep(time.Duration(r.IntN(120)) * time.Millisecond) // lets transfers come to any point
			killer := redis.NewClient(&redis.Options{Addr: []string{from.address, to.address}[r.IntN(2)]})
			killer.Do(context.Background(), "CLIENT", "KILL", "TYPE", []string{"normal", "replica"}[r.IntN(2)], "SKIPME", "yes")
			killer.Close()
		}
	})
	group.Wait()
	cancel()
	stop()
	startedMirror(t, d)
	session := settled(t, d, deploy.Blue)
	requireEqualKeys(t, from, to, stressKeys)
	session.Close()
	d.Mirror("")
	for _, s := range []*testServer{from, to} {
		eventually(t, "nobody watches or follows a server", func() bool { return clients(t, s, "t")+clients(t, s, "S") == 0 })
	}
	eventually(t, "all goroutines are over", func() bool { return runtime.NumGoroutine() <= before+2 }) // the test's own clients may have some
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
