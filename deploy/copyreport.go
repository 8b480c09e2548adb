package deploy

import (
	"fmt"
	"time"
)

// String says in a few words what a copy did.
func (c CopyReport) String() string {
	s := fmt.Sprintf("%s copied (%s)", plural(int(c.Keys), "key"), size(c.Bytes))
	if c.Mirrored {
		s = "the mirror is in step"
	}
	if c.Removed > 0 {
		s += fmt.Sprintf(", %d removed", c.Removed)
	}
	if c.Compared > 0 {
		s += fmt.Sprintf(", %d compared equal", c.Compared)
	}
	if c.Kept != nil {
		s += "; " + c.Kept.String()
	}
	return s
}

// String says what was kept, where and for how long.
func (k Kept) String() string {
	values := "1 value"
	if k.Count > 1 {
		values = fmt.Sprintf("%d values", k.Count)
	}
	return fmt.Sprintf("%s that %s alone had went below %s on its redis until %s: %s", values, k.Slice, k.Below, k.Until.Format(time.DateTime), some(k.Keys))
}

// String says in a few words how much there is to copy.
func (c CopyEstimate) String() string {
	return fmt.Sprintf("%s (%s)", plural(int(c.Keys), "key"), size(c.Bytes))
}

// copyProgress tells of a copy's progress now and then: often enough to see it move, not for each key.
func (r *run) copyProgress() func(CopyProgress) {
	const every = 500 * time.Millisecond
	next := time.Now().Add(every)
	return func(p CopyProgress) {
		if time.Now().Before(next) {
			return
		}
		next = time.Now().Add(every)
		r.progress(PhaseCopy, fmt.Sprintf("%d of %s, %s", p.Keys, plural(int(p.KeysTotal), "key"), size(p.Bytes)))
	}
}

func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
