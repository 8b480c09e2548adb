package redisync

import (
	"context"
	"errors"
	"slices"
	"time"

	"verdigris/deploy"
)

// shownStrays is how many stray keys are remembered by name.
const shownStrays = 20

// allStrays stands for the names of keys where there were too many, or all were removed at once.
const allStrays = "*"

// mendStrays has the keys read anew that others have written on the target, and returns their names. The server tells of
// keys that came to their end as well, and of those the source may have made new ones: a key is a stray if it differs,
// or if it cannot end and is written so often that it cannot be compared.
func (f *follower) mendStrays(ctx context.Context) (strays []string, err error) {
	keys, all, err := f.to.strays()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.to.told.giveBack(keys, all)
		}
	}()
	switch {
	case all:
		return []string{allStrays}, f.verify(ctx)
	case len(keys) == 0:
		return nil, nil
	}
	if err := f.catchUp(ctx); err != nil {
		return nil, err
	}
	before := f.touched.take()
	defer func() { f.touched.merge(before) }()
	different, err := f.unlike(keys)
	if err == nil {
		err = f.catchUp(ctx) // keys that differ because a change is on its way are touched by then
	}
	if err != nil {
		return nil, err
	}
	for _, key := range different {
		f.taint(key)
	}
	endless, err := f.endless(different)
	for _, key := range different {
		if !f.touched.has(key) || endless[key] {
			strays = append(strays, key)
		}
	}
	slices.Sort(strays)
	return strays, errors.Join(err, f.flush())
}

// unlike returns those of the keys that differ in any way, however large they are.
func (f *follower) unlike(keys []string) (different []string, err error) {
	for some := range slices.Chunk(keys, batchSize) {
		found, err := f.sight.from.weighed(some)
		if err != nil {
			return nil, err
		}
		differ, err := f.sight.compare(found, true)
		if err != nil {
			return nil, err
		}
		different = append(different, differ...)
	}
	return different, nil
}

// endless tells which of the keys have no end on the source.
func (f *follower) endless(keys []string) (map[string]bool, error) {
	is := map[string]bool{}
	for some := range slices.Chunk(keys, batchSize) {
		ends, err := f.from.ends(some)
		if err != nil {
			return nil, err
		}
		for i, key := range some {
			is[key] = ends[i] == never
		}
	}
	return is, nil
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
