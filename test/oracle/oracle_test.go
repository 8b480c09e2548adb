package oracle

import (
	"errors"
	"flag"
	"sync"
	"testing"

	"verdigris/deploy"
)

// TestWhatIsCreatedIsWhatTheSDKCreates brings each project of the corpus up with both sides.
func TestWhatIsCreatedIsWhatTheSDKCreates(t *testing.T) {
	waiting := pending(t)
	all := usage{used: map[int]bool{}}
	var told report
	t.Run("corpus", func(t *testing.T) {
		for _, group := range []string{"features", "applications"} {
			for _, s := range samples(t, group) {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					left, err := judge(t, s, &all)
					told.add(s.name, left, err)
					for _, d := range left {
						err = errors.Join(err, errors.New(d.String()))
					}
					waiting.settle(t, s.name, err)
				})
			}
		}
	})
	told.write(t)
	if flag.Lookup("test.run").Value.String() != "" {
		return // of a part of the corpus
	}
	for i, a := range accepted {
		if a.shows() && !all.used[i] {
			t.Errorf("no project shows the accepted difference %s (%s) any more: take it out", a.path, a.why)
		}
	}
}

// building is held by the project that builds.
var building sync.Mutex

// judge returns the differences that are not accepted.
func judge(t *testing.T, s sample, all *usage) ([]difference, error) {
	if s.notes.Builds {
		building.Lock()
		t.Cleanup(building.Unlock)
	}
	var as []deploy.Slice
	if !s.notes.Unshared {
		as = append(as, "")
	}
	if s.notes.Slice || s.notes.Unshared {
		as = append(as, deploy.Blue)
	}
	var left []difference
	for _, slice := range as {
		found, err := newTrial(t, s, slice).differences()
		if err != nil {
			return left, err
		}
		left = append(left, all.left(found, s.name, slice)...)
	}
	return left, nil
}
