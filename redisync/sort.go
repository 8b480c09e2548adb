package redisync

import (
	"bytes"
	"strconv"
)

// sort decides what becomes of one command of the stream, which ends at that offset: it is for the target, or it is not,
// or keys become dirty by it.
func (f *follower) sort(c command, end int64) error {
	switch {
	case is(c[0], "SELECT") && len(c) == 2:
		db, err := strconv.Atoi(string(c[1]))
		if err != nil {
			return f.from.fail(errProtocol)
		}
		f.db = db
		return nil
	case is(c[0], "FLUSHDB") && !f.concerned():
		return nil
	case is(c[0], "REPLCONF"): // GETACK, for a client of the source that said WAIT
		f.asked = true
		return nil
	case is(c[0], "SET") && len(c) > 2 && string(c[1]) == hereKey:
		if string(c[2]) == f.link.start.trace() {
			f.db = f.from.side.DB
		}
		return nil
	case is(c[0], "COPY"), is(c[0], "MOVE"):
		return f.sortAcross(c, end)
	}
	spec, err := f.spec(c)
	switch {
	case err != nil:
		return err
	case spec.replaces: // FLUSHALL, SWAPDB
		return errResync
	case !f.concerned():
		return nil
	}
	at, err := f.keysOf(c, spec)
	if err != nil {
		return err
	}
	f.decide(c, at, end)
	return nil
}

// concerned tells whether the stream may be in the database of the selected keys.
func (f *follower) concerned() bool { return f.db == f.from.side.DB || f.db == unknownDB }

// sortAcross sees to the two commands that may write in another database than the one selected.
func (f *follower) sortAcross(c command, end int64) error {
	if is(c[0], "COPY") && len(c) > 2 && bytes.HasPrefix(c[2], []byte(snapshotPrefix)) {
		return nil // our own, and it only reads the key
	}
	if is(c[0], "COPY") && f.concerned() && !hasOption(c[3:], "DB") {
		f.decide(c, []int{1, 2}, end)
		return nil
	}
	for _, key := range c[1:min(len(c), 3)] { // rare enough to look at the keys anew
		if f.keys.has(key) {
			f.taint(string(key))
		}
	}
	return nil
}

func hasOption(args command, upper string) bool {
	for _, arg := range args {
		if is(arg, upper) {
			return true
		}
	}
	return false
}

// spec says what kind of command it is. A name that is new is asked for once.
func (f *follower) spec(c command) (keySpec, error) {
	if spec, known := f.table.spec(c); known {
		return spec, nil
	}
	if err := f.from.side.learnAlias(f.from.ctx, f.table, string(c[0])); err != nil {
		return keySpec{}, err
	}
	spec, known := f.table.spec(c)
	spec.movable = spec.movable || !known // a member that its family does not have
	return spec, nil
}

// keysOf says at which arguments the keys of a command are, until it is called again. Where that differs from one command
// to the next the server is asked.
func (f *follower) keysOf(c command, spec keySpec) (at []int, err error) {
	if !spec.movable {
		if cap(f.at) > maxKept {
			f.at = nil
		}
		f.at = spec.positions(c, f.at[:0])
		return f.at, nil
	}
	args := make([]any, 0, len(c)+2)
	args = append(args, "COMMAND", "GETKEYS")
	for _, arg := range c {
		args = append(args, string(arg))
	}
	keys, err := f.from.side.client.Do(f.from.ctx, args...).StringSlice()
	if refusedAs(err, "ERR") {
		return nil, nil // it has none
	}
	if err != nil {
		return nil, f.from.fail(err)
	}
	for _, key := range keys {
		for i := 1; i < len(c); i++ {
			if string(c[i]) == key {
				at = append(at, i)
				break
			}
		}
	}
	return at, nil
}
