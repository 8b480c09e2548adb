package deploy

import (
	"context"
	"time"
)

// stopWithin bounds the removal of a slice that did not get ready.
const stopWithin = time.Minute

// cleanUp takes a release away that did not get ready, and brings back what ran on the slice before: that may be where
// a rollback goes, and a bad push should not cost the way back. It is done even when verdigris is being stopped.
func (r *run) cleanUp(ctx context.Context, before SliceStatus) {
	ctx = context.WithoutCancel(ctx)
	stopping, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	if err := r.Runtime.Stop(stopping, r.d.Slice, r.logTo(PhaseStart)); err != nil {
		r.worker.log.Error("could not stop the slice that failed", "slice", r.d.Slice, "error", err)
	}
	if !before.Running() || before.Commit == "" || before.Commit == r.d.Commit {
		return
	}
	r.progress(PhaseStart, "bring back "+before.Commit.Short())
	if err := r.bringBack(ctx, before.Commit); err != nil {
		r.replaced = before.Commit
		r.worker.log.Error("could not bring back what ran before", "slice", r.d.Slice, "commit", before.Commit, "error", err)
	}
}

// bringBack starts a release whose checkout and images are still there.
func (r *run) bringBack(ctx context.Context, commit Commit) error {
	ctx, cancel := context.WithTimeout(ctx, r.app.Timeouts.Fetch+r.app.Timeouts.Start)
	defer cancel()
	checkout, err := r.Source.Fetch(ctx, commit, r.logTo(PhaseStart))
	if err != nil {
		return err
	}
	release := Release{App: r.app.Name, Commit: commit, Dir: checkout.Dir, Subject: checkout.Subject}
	return r.Runtime.Start(ctx, r.d.Slice, release, r.logTo(PhaseStart))
}
