package redisync

// standing says what the target has of a key, with regard to a change at an offset of the stream.
type standing int

const (
	before standing = iota // the key as it was before the change
	after                  // the key as it was after it
	unsure
)

func (f *follower) standing(key string, end int64) standing {
	if _, is := f.dirty[key]; is {
		return unsure
	}
	if at, is := f.read[key]; is {
		if end <= at {
			return after
		}
		return before
	}
	if end <= f.window || f.db == unknownDB {
		return unsure
	}
	return before
}

// decide carries a command with those keys out, passes it over, or makes its selected keys dirty.
func (f *follower) decide(c command, at []int, end int64) {
	selected, counts, inDoubt := 0, [3]int{}, leavesDoubt(c)
	for _, i := range at {
		if f.keys.has(c[i]) {
			selected++
			counts[f.standing(string(c[i]), end)]++
			f.touched.add(c[i], inDoubt)
		}
	}
	if selected > 0 {
		f.changes++
	}
	switch {
	case selected == 0 || counts[after] == selected:
	case selected == len(at) && counts[before] == selected:
		f.add(c)
	case splits(c):
		f.split(c, at, end)
	default:
		for _, i := range at {
			if f.keys.has(c[i]) {
				f.taint(string(c[i]))
			}
		}
	}
}

// splits tells whether a command does the same to each of its keys, whatever the others are.
func splits(c command) bool { return is(c[0], "DEL") || is(c[0], "UNLINK") || is(c[0], "MSET") }

// split carries a command out for those of its keys that it concerns.
func (f *follower) split(c command, at []int, end int64) {
	width := 1
	if is(c[0], "MSET") {
		width = 2
	}
	part := command{c[0]}
	for _, i := range at {
		if !f.keys.has(c[i]) {
			continue
		}
		switch f.standing(string(c[i]), end) {
		case before:
			part = append(part, c[i:min(len(c), i+width)]...)
		case unsure:
			f.taint(string(c[i]))
		}
	}
	if len(part) > 1 {
		f.add(part)
	}
}
