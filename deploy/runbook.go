package deploy

import (
	"context"
	"fmt"
	"strings"
)

// deploy brings a release onto the idle slice (or staging) and, if it is to be promoted, moves the traffic there.
func (r *run) deploy(ctx context.Context) error {
	live, err := r.choose(ctx)
	if err != nil {
		return err
	}
	if err := r.mayBeLate(ctx); err != nil {
		return err
	}
	release, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	if err := r.launch(ctx, release); err != nil {
		return err
	}
	if r.d.Promote {
		return r.cutover(ctx, live)
	}
	return r.keep(ctx)
}

// switchOver moves the traffic to the other slice, which runs already.
func (r *run) switchOver(ctx context.Context) error {
	live, err := r.Router.Current(ctx)
	if err != nil {
		return err
	}
	target, err := r.maySwitch(ctx, live, r.d.Slice)
	if err != nil {
		return err
	}
	r.d.From, r.d.Commit = live.Slice, target.Commit
	if err := r.probeSlice(ctx, alive, r.app.Smoke); err != nil {
		return err
	}
	return r.cutover(ctx, live)
}

// rollBack moves the traffic to the previous slice. It asks the slice for one sign of life only: who rolls back is in a hurry.
func (r *run) rollBack(ctx context.Context) error {
	live, err := r.Router.Current(ctx)
	if err != nil {
		return err
	}
	target, err := r.mayRollBack(ctx, live)
	if err != nil {
		return err
	}
	if target.Slice != r.d.Slice {
		return &ConflictError{Reason: fmt.Sprintf("the previous slice is %s by now, no longer %s", target.Slice, r.d.Slice)}
	}
	r.d.From, r.d.Commit = live.Slice, target.Commit
	if err := r.probeSlice(ctx, alive, nil); err != nil {
		return err
	}
	return r.cutover(ctx, live)
}

// choose settles which slice is deployed to, now that it is this deployment's turn.
func (r *run) choose(ctx context.Context) (live Route, err error) {
	live, err = r.Router.Current(ctx)
	if err != nil {
		return live, err
	}
	r.mu.Lock()
	if r.d.Slice == "" {
		r.d.Slice = Blue
		if live.Slice != "" {
			r.d.Slice = live.Slice.Other()
		}
	}
	r.d.From = live.Slice
	r.mu.Unlock()
	return live, r.mayDeploy(live, r.d.Slice)
}

// prepare fetches and builds; nothing that runs is touched.
func (r *run) prepare(ctx context.Context) (Release, error) {
	release := Release{App: r.app.Name, Commit: r.d.Commit, Deployment: r.d.ID}
	err := r.phase(ctx, PhaseFetch, r.app.Timeouts.Fetch, func(ctx context.Context) (string, error) {
		var checkout Checkout
		err := r.withRoom(ctx, PhaseFetch, func() (err error) {
			checkout, err = r.Source.Fetch(ctx, r.d.Commit, r.logTo(PhaseFetch))
			return err
		})
		if err != nil {
			return "", err
		}
		release.Dir, release.Subject = checkout.Dir, checkout.Subject
		r.d.Subject = checkout.Subject
		// What cannot be done is refused now, before anything is built or touched.
		return r.d.Commit.Short(), r.Runtime.Check(ctx, r.d.Slice, release)
	})
	if err != nil {
		return release, err
	}
	err = r.phase(ctx, PhaseBuild, r.app.Timeouts.Build, func(ctx context.Context) (string, error) {
		var built Release
		err := r.withRoom(ctx, PhaseBuild, func() (err error) {
			built, err = r.Runtime.Build(ctx, r.d.Slice, release, r.d.Rebuild, r.logTo(PhaseBuild))
			return err
		})
		if err != nil {
			return "", err
		}
		release = built
		r.d.Images, r.d.Digests = built.Images, built.Digests
		return plural(len(built.Images), "image"), nil
	})
	return release, err
}

// launch migrates, starts the slice and waits until it is ready. A slice that does not get ready becomes again what it
// was.
func (r *run) launch(ctx context.Context, release Release) error {
	// Of what is set aside, nothing may be of an earlier start that was left half-way.
	if err := r.tidySlice(ctx, r.d.Slice); err != nil {
		return &phaseError{Phase: PhaseStart, Err: fmt.Errorf("put %s in order: %w", r.d.Slice, err)}
	}
	before, err := r.Runtime.Observe(ctx, r.d.Slice)
	if err != nil {
		return err
	}
	if err := r.migrate(ctx, release); err != nil {
		return err
	}
	if err := r.startAndProbe(ctx, release); err != nil {
		r.revert(ctx, before)
		return err
	}
	r.discard(ctx)
	return nil
}

func (r *run) migrate(ctx context.Context, release Release) error {
	if r.app.Migrate == "" {
		return nil
	}
	return r.phase(ctx, PhaseMigrate, r.app.Timeouts.Migrate, func(ctx context.Context) (string, error) {
		if err := r.openData(ctx, r.d.Slice); err != nil {
			return "", err
		}
		return r.app.Migrate, r.Runtime.RunJob(ctx, r.d.Slice, release, r.app.Migrate, r.logTo(PhaseMigrate))
	})
}

func (r *run) startAndProbe(ctx context.Context, release Release) error {
	err := r.phase(ctx, PhaseStart, r.app.Timeouts.Start+r.app.LingerTimeout, func(ctx context.Context) (string, error) {
		cut, err := r.linger(ctx)
		if err != nil {
			return "", err
		}
		// Its app may write while it gets ready, in the place of the one that was fenced when the traffic left it.
		if err := r.openData(ctx, r.d.Slice); err != nil {
			return "", err
		}
		if err := r.Runtime.Start(ctx, r.d.Slice, release, r.logTo(PhaseStart)); err != nil {
			return "", err
		}
		return strings.TrimSuffix(string(r.d.Slice)+"; "+cut, "; "), r.reachable(ctx)
	})
	if err != nil {
		return err
	}
	if err := r.probeSlice(ctx, ready, r.app.Smoke); err != nil {
		return err
	}
	// Unless the journal says that the release is ready, the next start of verdigris would undo its start.
	if err := r.save(); err != nil {
		return &phaseError{Phase: PhaseProbe, Err: err}
	}
	return nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
