package redisync

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"verdigris/internal/testkit"
)

// changes counts what clients in the background have written so far.
type changes struct {
	made atomic.Int64
	end  func()
}

// changing has clients make one change after another until the changes are stopped, at the latest by the end of the test.
// client returns what makes the i-th change of the client with that number.
func changing(t testing.TB, clients int, client func(number int) (change func(i int))) *changes {
	ctx, cancel := context.WithCancel(context.Background())
	c := &changes{}
	var group sync.WaitGroup
	for number := range clients {
		group.Go(func() {
			change := client(number)
			for i := 0; ctx.Err() == nil; i++ {
				change(i)
				c.made.Add(1)
			}
		})
	}
	c.end = func() {
		cancel()
		group.Wait()
	}
	t.Cleanup(c.end)
	return c
}

// stop returns when the last change has been made.
func (c *changes) stop() { c.end() }

// more waits until so many more changes have been made.
func (c *changes) more(t testing.TB, n int) {
	t.Helper()
	enough := c.made.Load() + int64(n)
	testkit.Eventually(t, "changes come", func() bool { return c.made.Load() >= enough })
}
