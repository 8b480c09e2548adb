package redisync

import (
	"context"
	"slices"
)

const (
	batchSize = 500  // keys that travel together
	scanCount = 1000 // slots that one SCAN looks at: about a millisecond of the server's time
)

// walk calls visit with the selected keys of the server, a batch at a time: all exact names, whether they exist
// or not, then what the globs find. A key that is there all the while comes at least once; memory does not grow
// with their number.
func (s *server) walk(ctx context.Context, keys selection, visit func(batch []string) error) error {
	for batch := range slices.Chunk(keys.names, batchSize) {
		if err := visit(batch); err != nil {
			return err
		}
	}
	return s.walkGlobs(ctx, keys, visit)
}

// walkGlobs does the same for the globs alone.
func (s *server) walkGlobs(ctx context.Context, keys selection, visit func(batch []string) error) error {
	var batch []string
	for i, glob := range keys.globs {
		for cursor := uint64(0); ; {
			found, next, err := s.client.Scan(ctx, cursor, glob, scanCount).Result()
			if err != nil {
				return s.fail(ctx, err)
			}
			for _, key := range found {
				if !keys.foundBy(i, key) {
					continue
				}
				if batch = append(batch, key); len(batch) < batchSize {
					continue
				}
				if err := visit(batch); err != nil {
					return err
				}
				batch = nil // the visitor may keep it
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return visit(batch)
}
