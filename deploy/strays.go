package deploy

import "fmt"

// strayWatch returns a look at the slice that was left: that its app goes on writing is told once.
func (r *run) strayWatch() (look func()) {
	if r.Data == nil {
		return func() {}
	}
	told := false
	return func() {
		s := r.Data.Mirrored().Strays
		if told || s == nil || s.Slice != r.d.From || s.Count <= r.strays {
			return
		}
		told = true
		r.worker.log.Warn("the slice that was left goes on writing", "deployment", r.d.ID, "slice", s.Slice, "keys", s.Keys)
		r.progress(PhaseWatch, fmt.Sprintf("%s wrote selected keys after the cutover: %s", s.Slice, some(s.Keys)))
	}
}
