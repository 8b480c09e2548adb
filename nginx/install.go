package nginx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
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

// candidate is a tested upstream file, with all done that can be done before it is put in force.
type candidate struct {
	staged
	generation uint64
	before     []byte   // the file whose place it takes
	workers    []Worker // who run that
}

// candidate gets an upstream file ready. It fails where no router runs that could load it.
func (r *Router) candidate(ctx context.Context, upstream []byte, generation uint64) (c candidate, err error) {
	file := r.settings.conf(upstreamFile)
	c.generation = generation
	if c.before, err = readIfThere(file); err != nil {
		return c, fmt.Errorf("read configuration in force: %w", err)
	}
	if c.workers, err = r.workers(ctx); err != nil {
		return c, err
	}
	if c.staged, err = stage(file, upstream); err != nil {
		return c, fmt.Errorf("write %s: %w", file, err)
	}
	return c, nil
}

// install puts a candidate in force. On error the file before it is back, and in force again.
func (r *Router) install(ctx context.Context, c candidate, u urgency) error {
	defer c.discard()
	if err := c.commit(); err != nil {
		return err
	}
	// From here on, giving up half-way would leave the file and the router apart: a cancelled ctx must wait.
	ctx = context.WithoutCancel(ctx)
	if err := r.reload(ctx, c.workers, c.generation, u); err != nil {
		return errors.Join(fmt.Errorf("reload router: %w", err), r.putBack(ctx, c.before))
	}
	return nil
}

// putBack makes the configuration before the one in force again.
func (r *Router) putBack(ctx context.Context, before []byte) error {
	if err := restoreFile(r.settings.conf(upstreamFile), before); err != nil {
		return fmt.Errorf("restore configuration: %w", err)
	}
	t, err := parseTruth(before)
	if err != nil {
		return nil // there was none to confirm
	}
	workers, err := r.workers(ctx)
	if errors.Is(err, ErrNotRunning) {
		return nil // it starts with the restored file
	}
	if err != nil {
		return fmt.Errorf("restore configuration: %w", err)
	}
	if err := r.reload(ctx, workers, t.Generation, nobodyWaits); err != nil {
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
