package main

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"
)

// How often redis is asked for the number of pictures, and how long at most a visitor hears nothing.
const (
	lookEvery = 200 * time.Millisecond
	tellEvery = time.Second
)

// streams are the answers that go on until the visitor or the gallery leaves.
type streams struct {
	ctx   context.Context
	close context.CancelFunc
	open  sync.WaitGroup
}

func newStreams() *streams {
	s := &streams{}
	s.ctx, s.close = context.WithCancel(context.Background())
	return s
}

// join returns a context that also ends with the gallery. The visitor's stream counts as open until leave is called.
func (s *streams) join(ctx context.Context) (joined context.Context, leave func()) {
	s.open.Add(1)
	joined, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(s.ctx, cancel)
	return joined, func() { unhook(); cancel(); s.open.Done() }
}

// counts yields the number of pictures now, whenever it changes, and once a second, until ctx ends or redis fails.
func (s *store) counts(ctx context.Context) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		look := time.NewTicker(lookEvery)
		defer look.Stop()
		told, at := int64(-1), time.Time{}
		for {
			count, err := s.countImages(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(0, err)
				return
			}
			if count != told || time.Since(at) >= tellEvery {
				told, at = count, time.Now()
				if !yield(count, nil) {
					return
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
		}
	}
}

// countMessage is what visitors of both kinds of streams are told.
func countMessage(count int64) string { return fmt.Sprintf(`{"images":%d}`, count) }
