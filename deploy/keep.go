package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// keep removes what no slice runs and no rollback needs. The traffic is where it belongs by now, so a failure here
// is told and does not spoil the deployment.
func (r *run) keep(ctx context.Context) error {
	if err := r.phase(ctx, PhaseKeep, pruneWithin, r.prune); err != nil {
		r.worker.log.Warn("could not remove old releases", "error", err)
	}
	return nil
}

// pruneWithin bounds the removal of old releases.
const pruneWithin = time.Minute

func (r *run) prune(ctx context.Context) (string, error) {
	commits, err := r.commitsToKeep(ctx)
	if err != nil {
		return "", err
	}
	removed, err := r.Runtime.Prune(ctx, commits)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s kept, %s removed", plural(len(commits), "release"), plural(removed, "image")), r.Source.Prune(ctx, commits)
}

// pruneAfterFailure removes what releases that failed before this one have left: without it, pushes that fail one after the
// other would fill the disk. This one's own images and checkout stay, so that it can be tried again soon.
func (r *run) pruneAfterFailure(ctx context.Context) {
	if r.d.Kind != KindDeploy || r.d.State == StateSucceeded || len(r.d.Phases) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pruneWithin)
	defer cancel()
	if _, err := r.prune(ctx); err != nil && ctx.Err() == nil {
		r.worker.log.Warn("could not remove what failed releases have left", "error", err)
	}
}

// withRoom does what needs room on the disk. Where there is none, old releases are removed and it is tried once more.
func (r *run) withRoom(ctx context.Context, p Phase, do func() error) error {
	err := do()
	if err == nil || !noRoom(err) {
		return err
	}
	r.logTo(p)("the disk is full: removing old releases, and trying again")
	done, pruned := r.prune(ctx)
	if pruned != nil {
		return errors.Join(err, fmt.Errorf("remove old releases: %w", pruned))
	}
	r.logTo(p)(done)
	return do()
}

// noRoom reports whether something failed because a disk is full, here or at the Engine, which says so in words alone.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || strings.Contains(strings.ToLower(err.Error()), "no space left on device")
}

// commitsToKeep are those of containers that a slice has, those that the route names, and the newest of
// production that succeeded.
func (r *run) commitsToKeep(ctx context.Context) ([]Commit, error) {
	keep := map[Commit]bool{r.d.Commit: true}
	for _, slice := range r.app.Slices {
		observed, err := r.Runtime.Observe(ctx, slice)
		if err != nil {
			return nil, err
		}
		for _, c := range slices.Concat(observed.Containers, observed.SetAside) {
			keep[c.Commit] = true
		}
	}
	route, err := r.Router.Current(ctx)
	if err != nil {
		return nil, err
	}
	keep[route.Commit], keep[route.PreviousCommit] = true, true
	recent, err := r.journal.List(ctx, r.app.Name, 0)
	if err != nil {
		return nil, err
	}
	delete(keep, "")
	for _, d := range recent {
		if len(keep) >= r.app.KeepReleases {
			break
		}
		if d.Kind == KindDeploy && d.State == StateSucceeded && d.Slice.Production() {
			keep[d.Commit] = true
		}
	}
	var commits []Commit
	for c := range keep {
		commits = append(commits, c)
	}
	return commits, nil
}
