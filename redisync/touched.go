package redisync

const (
	maxTouched = 50_000         // how many keys are remembered by name
	fewTouched = maxTouched / 4 // so few that there is room for those of a cutover
	fewInDoubt = 300            // so few that they may be compared while requests wait
)

// touched are the selected keys that the stream has changed since both sides were last compared, and whether each is in
// doubt. Two servers that do the same need not end up with the same: each lets keys expire by its own clock, and a
// command that one of them did just before and the other just after leaves a key on one side alone; the target may evict
// a key or let others write to it in a moment that it does not tell of. What a command leaves that replaces or removes a
// key is beyond doubt, whatever was there before it, once the target has carried it out.
type touched struct {
	keys map[string]bool // in doubt
	all  bool            // too many to remember
}

func (t *touched) add(key []byte, inDoubt bool) {
	if t.all {
		return
	}
	before, is := t.keys[string(key)]
	if is && before == inDoubt {
		return
	}
	if t.keys == nil {
		t.keys = map[string]bool{}
	}
	if !is && len(t.keys) >= maxTouched {
		t.keys, t.all = nil, true
		return
	}
	t.keys[string(key)] = inDoubt
}

func (t *touched) has(key string) bool {
	_, is := t.keys[key]
	return is || t.all
}

// few tells whether little is left to compare.
func (t *touched) few() bool {
	return !t.all && len(t.keys) <= fewTouched && len(t.doubtful()) <= fewInDoubt
}

// doubtful returns the keys that are in doubt.
func (t *touched) doubtful() (keys []string) {
	for key, inDoubt := range t.keys {
		if inDoubt {
			keys = append(keys, key)
		}
	}
	return keys
}

// take returns what is remembered and begins anew. Who cannot finish with it gives it back by merge.
func (t *touched) take() touched {
	taken := *t
	*t = touched{}
	return taken
}

// merge adds what was remembered before; of a key that was touched since, what was last.
func (t *touched) merge(before touched) {
	if before.all {
		t.keys, t.all = nil, true
	}
	for key, inDoubt := range before.keys {
		if !t.has(key) {
			t.add([]byte(key), inDoubt)
		}
	}
}

// leavesDoubt tells whether a command may leave something else where there was something else before it. SET counts in
// the forms that name all it leaves; redis writes into its stream what others come to.
func leavesDoubt(c command) bool {
	switch {
	case is(c[0], "SET"):
		return len(c) != 3 && !(len(c) == 5 && is(c[3], "PXAT"))
	case is(c[0], "MSET"), is(c[0], "DEL"), is(c[0], "UNLINK"):
		return false
	}
	return true
}
