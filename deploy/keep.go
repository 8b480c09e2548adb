package deploy

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// keep removes what no slice runs and no rollback needs. The traffic is where it belongs by now, so a failure here
// is told and does not spoil the deployment.
func (r *run) keep(ctx context.Context) error {
	err := r.phase(ctx, PhaseKeep, time.Minute, func(ctx context.Context) (string, error) {
		commits, err := r.commitsToKeep(ctx)
		if err != nil {
			return "", err
		}
		removed, err := r.Runtime.Prune(ctx, commits)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s kept, %s removed", plural(len(commits), "release"), plural(removed, "image")), r.Source.Prune(ctx, commits)
	})
	if err != nil {
		r.worker.log.Warn("could not remove old releases", "error", err)
	}
	return nil
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
