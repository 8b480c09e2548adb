package redisync

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"verdigris/deploy"
)

const (
	progressInterval = 100 * time.Millisecond
	shownKeys        = 5 // how many keys an error names
)

// pass is one walk over the selected keys, by several pairs of connections at a time, and what it has done.
type pass struct {
	*transfer
	snapshots snapshots
	began     time.Time

	// readAt, if set, hears of each key that was read together with the offset of the source's stream at that moment.
	readAt func(key string, offset int64)

	found, done, copied, bytes, removed, compared atomic.Int64

	mu           sync.Mutex
	unequal      []string // the first few keys that differ
	unequalCount int
}

// pair is a connection to either side, by which one batch or one large key at a time travels.
type pair struct {
	*pass
	from, to *conn
}

func (t *transfer) newPass(s snapshots) *pass {
	return &pass{transfer: t, snapshots: s, began: time.Now()}
}

// over has work done on all selected keys of the source, and on the exact names that it does not have.
func (p *pass) over(ctx context.Context, work func(*pair, batch) error) error {
	walk := func(ctx context.Context, hand func(batch) error) error {
		return p.from.walk(ctx, p.keys, func(found batch) error {
			p.found.Add(int64(len(found.keys)))
			return hand(found)
		})
	}
	return p.spread(ctx, walk, func(own *pair, found batch) error {
		err := work(own, found)
		p.done.Add(int64(len(found.keys)))
		return err
	})
}

// spread hands the batches that walk finds to the pairs. The first error ends it all.
func (p *pass) spread(ctx context.Context, walk func(context.Context, func(batch) error) error, work func(*pair, batch) error) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan batch, p.pairs)
	group.Go(func() error {
		defer close(batches)
		return walk(ctx, func(found batch) error {
			select {
			case batches <- found:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for range p.pairs {
		group.Go(func() error { return p.serve(ctx, batches, work) })
	}
	return group.Wait()
}

// serve works on batches with a pair of its own, which it connects when the first batch comes.
func (p *pass) serve(ctx context.Context, batches <-chan batch, work func(*pair, batch) error) error {
	var own *pair
	for found := range batches {
		if own == nil {
			var err error
			if own, err = p.connect(ctx); err != nil {
				return err
			}
			defer own.close()
		}
		if err := work(own, found); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) connect(ctx context.Context) (*pair, error) {
	from, err := p.transfer.from.dial(ctx)
	if err != nil {
		return nil, err
	}
	to, err := p.transfer.to.dial(ctx)
	if err != nil {
		from.close()
		return nil, err
	}
	return &pair{pass: p, from: from, to: to}, nil
}

func (p *pair) close() {
	p.from.close()
	p.to.close()
}

// differs notes keys that are not equal in the end.
func (p *pass) differs(keys ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unequalCount += len(keys)
	for _, key := range keys {
		if len(p.unequal) < shownKeys {
			p.unequal = append(p.unequal, shown(key))
		}
	}
}

func (p *pass) report() deploy.CopyReport {
	return deploy.CopyReport{
		Keys: p.copied.Load(), Bytes: p.bytes.Load(), Removed: p.removed.Load(), Compared: p.compared.Load(),
		Took: time.Since(p.began),
	}
}

// tell reports progress now and then, from one goroutine, and a last time when the returned function is called.
func (p *pass) tell(progress func(deploy.CopyProgress)) (stop func()) {
	if progress == nil {
		return func() {}
	}
	now := func() {
		progress(deploy.CopyProgress{Keys: p.done.Load(), KeysTotal: p.found.Load(), Bytes: p.bytes.Load()})
	}
	over, told := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(told)
		tick := time.NewTicker(progressInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				now()
			case <-over:
				now()
				return
			}
		}
	}()
	return func() {
		close(over)
		<-told
	}
}
