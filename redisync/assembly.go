package redisync

import (
	"fmt"
	"strconv"

	"verdigris/deploy"
)

// assembly builds a value on the target under a temporary key, piece by piece, with several pieces on the way.
type assembly struct {
	to     *conn
	key    string
	begun  bool
	pushed int64   // elements of a list that were sent
	counts []int64 // for each command without an answer: the length that a list must answer, or 0
}

// begin removes what an earlier copy may have left.
func (a *assembly) begin() error {
	a.to.send("UNLINK", a.key)
	return a.to.ask()
}

// piece begins the command that adds n arguments to the value; they are the caller's to write.
func (a *assembly) piece(verb string, n int64) {
	a.to.head('*', n+2)
	a.to.arg(verb)
	a.to.arg(a.key)
}

// sent sends a piece off. For a list, elements is how many it has; the list must have all of them so far.
func (a *assembly) sent(elements int64) error {
	a.pushed += elements
	a.counts = append(a.counts, a.pushed)
	if !a.begun { // only now is there a key that can expire
		a.begun = true
		a.to.send("PEXPIRE", a.key, strconv.FormatInt(ownExpiry.Milliseconds(), 10))
		a.counts = append(a.counts, 0)
	}
	return a.to.flush()
}

// answered reads answers until at most that many are due. Each answer to a piece of a list tells its length: a
// target that evicted the temporary key would begin anew and report success, with half the list gone.
func (a *assembly) answered(due int) error {
	for len(a.counts) > due {
		length, err := a.to.integer()
		if err != nil {
			return err
		}
		if want := a.counts[0]; want > 0 && length != want {
			return a.lost(length, want)
		}
		a.counts = a.counts[1:]
	}
	return nil
}

// takePlace makes the value the real key's, expiry included, in one step. The expiry comes first: should the
// temporary key vanish at this moment, the real one is still what it was.
func (a *assembly) takePlace(key string, snap snapshot) error {
	a.to.send("MULTI")
	if snap.expires >= 0 {
		a.to.send("PEXPIREAT", a.key, snap.expires.String())
	} else {
		a.to.send("PERSIST", a.key)
	}
	a.to.send("RENAME", a.key, key)
	a.to.send("EXEC")
	err := a.to.execute(2)
	if refusedAs(err, "ERR no such key") && snap.expires.passing() {
		a.to.send("UNLINK", key) // its time came in between
		return a.to.ask()
	}
	return err
}

func (a *assembly) lost(has, want int64) error {
	err := fmt.Errorf("the temporary key %s has %d elements of %d: the server evicts keys", shown(a.key), has, want)
	return &deploy.HintedError{Err: a.to.fail(err), Next: fmt.Sprintf("raise maxmemory of the redis of %s", a.to.side.slice)}
}
