package nginx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"verdigris/deploy"
)

// test lets nginx check upstream files, each under a name of its own beside a main file that takes it in, and all at
// the same time: starting nginx takes longer than what it does.
func (r *Router) test(ctx context.Context, upstreams ...[]byte) error {
	ctx, cancel := context.WithTimeout(ctx, r.TestTimeout)
	defer cancel()
	errs := make([]error, len(upstreams))
	var done sync.WaitGroup
	for i, upstream := range upstreams {
		done.Go(func() { errs[i] = r.testOne(ctx, strconv.Itoa(i), upstream) })
	}
	done.Wait()
	return cmp.Or(errs...) // one is enough to act on, and a router that does not run fails them all alike
}

func (r *Router) testOne(ctx context.Context, name string, upstream []byte) error {
	upstreamFile, mainFile := "upstream.candidate"+name+".conf", "router.candidate"+name+".conf"
	main, err := renderMain(r.settings, upstreamFile)
	if err != nil {
		return err
	}
	defer os.Remove(r.settings.conf(upstreamFile))
	defer os.Remove(r.settings.conf(mainFile))
	err = errors.Join(
		writeFile(r.settings.conf(upstreamFile), upstream),
		writeFile(r.settings.conf(mainFile), main),
	)
	if err != nil {
		return err
	}
	return hinted(r.Process.Test(ctx, r.settings.nginxConf(mainFile)))
}

// install puts a tested upstream file in force. On error the file before it is back, and in force again; the error
// is a deploy.ErrRouteRefused where no nginx was ever asked to load the new one.
func (r *Router) install(ctx context.Context, upstream []byte, generation uint64) error {
	file := r.settings.conf(upstreamFile)
	before, err := readIfThere(file)
	if err != nil {
		return fmt.Errorf("%w: read configuration in force: %w", deploy.ErrRouteRefused, err)
	}
	workers, err := r.workers(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", deploy.ErrRouteRefused, err)
	}
	if err := writeFile(file, upstream); err != nil {
		return fmt.Errorf("%w: %w", deploy.ErrRouteRefused, err)
	}
	// From here on, giving up half-way would leave the file and the router apart: a cancelled ctx must wait.
	ctx = context.WithoutCancel(ctx)
	if err := r.reload(ctx, workers, generation); err != nil {
		return errors.Join(fmt.Errorf("reload router: %w", err), r.putBack(ctx, before))
	}
	r.Log.Info("router reloaded", "app", r.settings.App, "generation", generation)
	return nil
}

// reload has the router load its files, and waits until the generation is confirmed.
func (r *Router) reload(ctx context.Context, before []Worker, generation uint64) error {
	ctx, cancel := context.WithTimeout(ctx, r.ReloadTimeout)
	defer cancel()
	if err := r.Process.Reload(ctx); err != nil {
		return hinted(err)
	}
	var missing error
	for {
		err := r.confirm(ctx, before, generation)
		if err == nil {
			return nil
		}
		if missing == nil || ctx.Err() == nil { // what was missing says more than that time ran out
			missing = err
		}
		select {
		case <-ctx.Done():
			return r.unconfirmed(ctx, generation, missing)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// confirm returns nil when a worker of the generation answers and none of the workers before takes connections
// any more: from then on every new request is routed by it.
func (r *Router) confirm(ctx context.Context, before []Worker, generation uint64) error {
	running, err := r.admin().generation(ctx)
	if err != nil {
		return err
	}
	if running != generation {
		return fmt.Errorf("the router still answers as generation %d", running)
	}
	workers, err := r.Process.Workers(ctx)
	if err != nil {
		return err
	}
	old := make(map[string]bool, len(before))
	for _, w := range before {
		old[w.PID] = true
	}
	for _, w := range workers {
		if old[w.PID] && !w.Draining {
			return fmt.Errorf("the old worker %s still takes connections", w.PID)
		}
	}
	return nil
}

func (r *Router) unconfirmed(ctx context.Context, generation uint64, missing error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.TestTimeout)
	defer cancel()
	said := r.Process.Test(ctx, r.settings.nginxConf(routerFile))
	if said == nil {
		said = &deploy.HintedError{Err: errors.New("nginx finds no fault with the configuration"), Next: "look at the router's log"}
	}
	return fmt.Errorf("generation %d was not confirmed within %s: %w: %w", generation, r.ReloadTimeout, missing, hinted(said))
}

// putBack makes the configuration before the one in force again.
func (r *Router) putBack(ctx context.Context, before []byte) error {
	if err := restoreFile(r.settings.conf(upstreamFile), before); err != nil {
		return fmt.Errorf("restore configuration: %w", err)
	}
	workers, err := r.workers(ctx)
	if errors.Is(err, ErrNotRunning) {
		return nil // it starts with the restored file
	}
	if err != nil {
		return fmt.Errorf("restore configuration: %w", err)
	}
	t, err := parseTruth(before)
	if err != nil {
		return nil // there was none to confirm
	}
	if err := r.reload(ctx, workers, t.Generation); err != nil {
		return fmt.Errorf("restore configuration: %w", err)
	}
	return nil
}

func (r *Router) workers(ctx context.Context) ([]Worker, error) {
	ctx, cancel := context.WithTimeout(ctx, r.ReloadTimeout)
	defer cancel()
	workers, err := r.Process.Workers(ctx)
	return workers, hinted(err)
}

// hinted adds what to do about an nginx that does not run.
func hinted(err error) error {
	if errors.Is(err, ErrNotRunning) {
		return startHint(err)
	}
	return err
}
