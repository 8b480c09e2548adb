package redisync

import (
	"context"
	"slices"
	"time"

	"verdigris/deploy"
)

// shownStrays is how many stray keys are remembered by name.
const shownStrays = 20

// allStrays stands for the names of keys where there were too many, or all were removed at once.
const allStrays = "*"

// mendStrays has the keys read anew that others have written on the target. It returns their names, without those
// that are gone from both sides: they have merely come to their end.
func (f *follower) mendStrays(ctx context.Context) (strays []string, err error) {
	keys, all, err := f.to.strays()
	switch {
	case err != nil:
		return nil, err
	case all:
		return []string{allStrays}, f.verify(ctx)
	case len(keys) == 0:
		return nil, nil
	}
	for some := range slices.Chunk(keys, batchSize) {
		there, err := f.readEnds(f.from, some)
		if err != nil {
			return nil, err
		}
		here, err := f.readEnds(f.to, some)
		if err != nil {
			return nil, err
		}
		for _, key := range some {
			if !there.ends[key].passing() || !here.ends[key].passing() {
				strays = append(strays, key)
				f.taint(key)
			}
		}
	}
	return strays, f.flush()
}

// noteStrays adds to what is known of writes on the slice that is not live.
func noteStrays(known *deploy.Strays, slice deploy.Slice, keys []string) *deploy.Strays {
	s := deploy.Strays{Slice: slice}
	if known != nil && known.Slice == slice {
		s = *known
		s.Keys = append([]string{}, known.Keys...)
	}
	s.Count += int64(len(keys))
	s.Last = time.Now().UTC()
	for _, key := range keys {
		if len(s.Keys) < shownStrays && !slices.Contains(s.Keys, key) {
			s.Keys = append(s.Keys, key)
		}
	}
	return &s
}
