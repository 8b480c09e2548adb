package redisync

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestWhatIsWrittenDuringCopyArrivesWithSettle(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	everything(t, from, "")
	session := begin(t, newData(t, from, to, "*"))
	writes := writers(t, from, 4)
	for range 3 {
		if _, err := session.Copy(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		writes.more(t, 40)
	}
	writes.stop()
	if _, err := session.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	requireEqual(t, from, to)
}

// writers change keys of all kinds.
func writers(t *testing.T, s *testServer, n int) *changes {
	ctx := context.Background()
	return changing(t, n, func(number int) func(i int) {
		r := rand.New(rand.NewPCG(uint64(number), 1))
		return func(i int) {
			k := fmt.Sprint("w", r.IntN(50))
			switch r.IntN(10) {
			case 0:
				s.Set(ctx, k, i, 0)
			case 1:
				s.Del(ctx, k)
			case 2:
				s.Del(ctx, k)
				s.HSet(ctx, k, "f", i)
			case 3:
				s.LPush(ctx, "list:large", i)
			case 4:
				s.RPop(ctx, "list:large")
			case 5:
				s.SAdd(ctx, "set:large", i)
			case 6:
				s.HSet(ctx, "hash:large", fmt.Sprint("field", i), i)
			case 7:
				s.ZAdd(ctx, "zset:large", redis.Z{Score: r.Float64(), Member: i})
			case 8:
				s.XAdd(ctx, &redis.XAddArgs{Stream: "stream", Values: []any{"i", i}})
			case 9:
				s.Rename(ctx, k, fmt.Sprint("w", r.IntN(50)))
			}
		}
	})
}

func TestAReaderSeesTheOldListOrTheNewOne(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	const before, after = 1234, 30_000
	pushList(t, from, "images", after, 100)
	pushList(t, to, "images", before, 10)
	ctx, cancel := context.WithCancel(t.Context())
	lengths := map[int64]int{}
	looks, watched := make(chan struct{}), make(chan error, 1)
	go func() {
		begun := sync.OnceFunc(func() { close(looks) })
		defer begun()
		for ctx.Err() == nil {
			n, err := to.LLen(context.Background(), "images").Result()
			if err != nil {
				watched <- err
				return
			}
			lengths[n]++
			begun()
		}
		watched <- nil
	}()
	session := begin(t, newData(t, from, to, "images"))
	<-looks
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the reader has seen the new list", func() bool { return to.LLen(t.Context(), "images").Val() == after })
	cancel()
	if err := <-watched; err != nil {
		t.Fatal(err)
	}
	for n := range lengths {
		if n != before && n != after {
			t.Errorf("a reader saw a list of %d items, %d times", n, lengths[n])
		}
	}
	if lengths[before] == 0 {
		t.Error("the reader never saw the old list")
	}
}

func TestSettleTellsOfKeysThatWillNotStayEqual(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	everything(t, from, "")
	session := begin(t, newData(t, from, to, "counter", "*"))
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
				to.Set(context.Background(), "counter", i, 0)
			}
		}
	})
	_, err := session.Settle(t.Context())
	close(done)
	group.Wait()
	if !errors.Is(err, deploy.ErrDataDiffers) || !strings.Contains(err.Error(), "counter") {
		t.Errorf("Settle returned %v", err)
	}
	var hint *deploy.HintedError
	if !errors.As(err, &hint) {
		t.Errorf("the error has no next step: %v", err)
	}
}
