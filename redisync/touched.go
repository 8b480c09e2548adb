package redisync

// maxTouched bounds how many touched keys are remembered by name.
const maxTouched = 50_000

// touched are the selected keys that the stream has changed since both sides were last compared. Two servers that do
// the same need not end up with the same: each lets keys expire by its own clock, and a command that one of them did
// just before and the other just after leaves a key on one side alone.
type touched struct {
	keys map[string]struct{}
	all  bool // too many to remember
}

func (t *touched) add(key []byte) {
	if t.all {
		return
	}
	if _, is := t.keys[string(key)]; is {
		return
	}
	if t.keys == nil {
		t.keys = map[string]struct{}{}
	}
	if len(t.keys) >= maxTouched {
		t.keys, t.all = nil, true
		return
	}
	t.keys[string(key)] = struct{}{}
}

func (t *touched) has(key string) bool {
	_, is := t.keys[key]
	return is || t.all
}

// take returns what is remembered and begins anew. Who cannot finish with it gives it back by merge.
func (t *touched) take() touched {
	taken := *t
	*t = touched{}
	return taken
}

// merge adds what others remember.
func (t *touched) merge(others touched) {
	if others.all {
		t.keys, t.all = nil, true
	}
	for key := range others.keys {
		t.add([]byte(key))
	}
}
