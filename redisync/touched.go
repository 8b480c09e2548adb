package redisync

import "iter"

// maxTouched bounds how many touched keys are remembered by name.
const maxTouched = 50_000

// touched are the selected keys that the stream has changed since both sides were last compared. Two servers that do
// the same need not end up with the same: each lets keys expire by its own clock, and a command that one of them did
// just before and the other just after leaves a key on one side alone.
type touched struct {
	keys map[string]doubt
	all  bool // too many to remember
}

// doubt is whether a key that was touched may differ.
type doubt uint8

const (
	inDoubt      doubt = iota
	inDoubtIfEnd       // not if it has no end: nothing touched it that gives or takes one
	noDoubt            // what touched it last leaves the same whatever was there before
)

// after is the doubt about a key of which there was some before.
func (d doubt) after(before doubt) doubt {
	if d == noDoubt {
		return noDoubt
	}
	return min(before, d)
}

func (t *touched) add(key []byte, d doubt) {
	if t.all {
		return
	}
	before, is := t.keys[string(key)]
	if is {
		d = d.after(before)
		if d == before {
			return
		}
	}
	if t.keys == nil {
		t.keys = map[string]doubt{}
	}
	if !is && len(t.keys) >= maxTouched {
		t.keys, t.all = nil, true
		return
	}
	t.keys[string(key)] = d
}

func (t *touched) has(key string) bool {
	_, is := t.keys[key]
	return is || t.all
}

// those returns the keys about which there is that doubt.
func (t *touched) those(d doubt) iter.Seq[string] {
	return func(yield func(string) bool) {
		for key, is := range t.keys {
			if is == d && !yield(key) {
				return
			}
		}
	}
}

// take returns what is remembered and begins anew. Who cannot finish with it gives it back by merge.
func (t *touched) take() touched {
	taken := *t
	*t = touched{}
	return taken
}

// merge adds what was remembered before.
func (t *touched) merge(before touched) {
	if before.all {
		t.keys, t.all = nil, true
	}
	for key, d := range before.keys {
		if since, is := t.keys[key]; is {
			t.keys[key] = since.after(d)
			continue
		}
		t.add([]byte(key), d)
	}
}
