package nginx

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Prepared says what Prepare changed.
type Prepared struct {
	// EdgeChanged tells that edge.conf is another one than before: a running edge needs a reload, which only
	// a person should order, because it closes idle connections.
	EdgeChanged bool
	// HoldEnded tells that a hold that a crash left behind was ended.
	HoldEnded bool
}

// Prepare writes the files that edge and router need to start. The upstream file of an app that has something live
// is left alone, except that a hold which a crash left behind is ended.
func (r *Router) Prepare(ctx context.Context) (Prepared, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	prepared, err := r.prepare(ctx)
	if err != nil {
		return prepared, fmt.Errorf("prepare nginx of %s: %w", r.settings.App, err)
	}
	return prepared, nil
}

func (r *Router) prepare(ctx context.Context) (p Prepared, err error) {
	for _, dir := range []string{r.settings.ConfDir, r.settings.RunDir} {
		if err := makeDir(dir); err != nil {
			return p, err
		}
	}
	edge, err := renderEdge(r.settings)
	if err != nil {
		return p, err
	}
	if p.EdgeChanged, err = writeIfOther(r.settings.conf(edgeFile), edge); err != nil {
		return p, err
	}
	router, err := renderMain(r.settings, upstreamFile)
	if err != nil {
		return p, err
	}
	// A running router takes it in with its next reload.
	if _, err = writeIfOther(r.settings.conf(routerFile), router); err != nil {
		return p, err
	}
	if err := r.prepareUpstream(); err != nil {
		return p, err
	}
	p.HoldEnded, err = r.endLeftHold(ctx)
	return p, err
}

// prepareUpstream writes the file that says that nothing is live, unless something is.
func (r *Router) prepareUpstream() error {
	now, err := readTruth(r.settings.conf(upstreamFile))
	if err != nil || now.Slice != "" {
		return err
	}
	initial, err := renderInitial(r.settings)
	if err != nil {
		return err
	}
	_, err = writeIfOther(r.settings.conf(upstreamFile), initial)
	return err
}

// endLeftHold makes the route of a hold that nobody leads any more the plain one.
func (r *Router) endLeftHold(ctx context.Context) (bool, error) {
	t, err := readTruth(r.settings.conf(upstreamFile))
	if err != nil || r.holding || answered(ctx, r.settings.run(gateSocket)) {
		return false, err
	}
	if t.Next == "" && !r.stillHolds(ctx) {
		return false, r.removeNextFiles()
	}
	if err := r.settleOn(ctx, t.Route); err != nil {
		return true, err
	}
	return true, r.removeNextFiles()
}

// stillHolds tells that the router holds although its file does not say so: verdigris died after it had turned the
// route. A reload under way, by another verdigris, looks the same for a moment.
func (r *Router) stillHolds(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for differs := false; ; differs = true {
		t, err := readTruth(r.settings.conf(upstreamFile))
		running, asked := r.admin().generation(ctx)
		if ctx.Err() != nil {
			return differs
		}
		if err != nil || asked != nil || running == t.Generation {
			return false // a router that does not run starts with the file
		}
		time.Sleep(pollEvery)
	}
}

// removeNextFiles removes what holds have left behind. No router that takes connections looks for them now.
func (r *Router) removeNextFiles() error {
	left, err := filepath.Glob(r.settings.conf(anyNextFile))
	if err != nil {
		return err
	}
	for _, file := range left {
		if err := restoreFile(file, nil); err != nil {
			return err
		}
	}
	return nil
}

// makeDir lets everybody look into the directory, because nginx's workers run as another user.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o755 == 0o755 {
		return err
	}
	return os.Chmod(dir, info.Mode().Perm()|0o755)
}

// writeIfOther returns whether a file that was there has changed.
func writeIfOther(path string, content []byte) (changed bool, err error) {
	before, err := readIfThere(path)
	if err != nil || bytes.Equal(before, content) {
		return false, err
	}
	return before != nil, writeFile(path, content)
}
