package compose

import (
	"context"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"
)

// history hands on what the containers have printed until now. It holds a few lines of each in memory, not the logs.
func (l *logReader) history(ctx context.Context, containers []found) error {
	group, ctx := errgroup.WithContext(ctx)
	logs := make([]chan LogLine, len(containers))
	for i, c := range containers {
		logs[i] = make(chan LogLine, 16)
		group.Go(func() error {
			defer close(logs[i])
			return l.read(ctx, c, container.LogsOptions{Since: since(l.opts.Since), Tail: lastOf(l.opts.Tail)}, func(line LogLine) error {
				select {
				case logs[i] <- line:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
		})
	}
	group.Go(func() error {
		return merge(logs, func(i int, line LogLine) error { return l.tell(containers[i], line) })
	})
	return group.Wait()
}

// merge calls each with the lines of all logs in the order of time. Each log is in that order already.
func merge(logs []chan LogLine, each func(i int, line LogLine) error) error {
	heads := map[int]LogLine{}
	next := func(i int) {
		if line, ok := <-logs[i]; ok {
			heads[i] = line
		} else {
			delete(heads, i)
		}
	}
	for i := range logs {
		next(i)
	}
	for len(heads) > 0 {
		first := -1
		for i, head := range heads {
			if first < 0 || head.Time.Before(heads[first].Time) || head.Time.Equal(heads[first].Time) && i < first {
				first = i
			}
		}
		if err := each(first, heads[first]); err != nil {
			return err
		}
		next(first)
	}
	return nil
}
