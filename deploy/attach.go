package deploy

import "context"

// attach sees to it that the router reaches the production slices: somebody may have disconnected a container, or made
// one again by hand. The same failure is told once. It reports whether all is connected.
func (w *worker) attach(ctx context.Context) bool {
	err := w.Runtime.Attach(ctx, func(line string, _ ...Step) { w.log.Info("networks", "progress", line) })
	if ctx.Err() != nil {
		return false
	}
	if err != nil && err.Error() != w.unattached {
		w.log.Error("could not connect the router with the slices; this goes on being tried", "error", err)
	}
	w.unattached = ""
	if err != nil {
		w.unattached = err.Error()
	}
	return err == nil
}

// reachable connects the router with the slice that has just been started, which is the only proof that it can be.
func (r *run) reachable(ctx context.Context) error {
	if !r.d.Slice.Production() {
		return nil
	}
	return r.Runtime.Attach(ctx, r.logTo(PhaseStart))
}
