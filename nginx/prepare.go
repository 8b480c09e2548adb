package nginx

import (
	"bytes"
	"context"
	"errors"
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
	// HoldEnded reports whether a hold that a crash left behind was ended.
	HoldEnded bool
	// HoldLeft says why such a hold could not be ended. Requests go to the slice that the files name nevertheless.
	HoldLeft error
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
	if err := r.removeLeftCandidates(); err != nil {
		return p, err
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
	p.HoldEnded, p.HoldLeft = r.endLeftHold(ctx)
	return p, nil
}

// candidateAge is the age at which a file that nginx was to test has been left by a verdigris that was killed: another process
// may be testing just now.
const candidateAge = time.Hour

func (r *Router) removeLeftCandidates() error {
	files, err := filepath.Glob(r.settings.conf("*candidate*"))
	hidden, wrong := filepath.Glob(r.settings.conf(".*candidate*"))
	for _, file := range append(files, hidden...) {
		info, gone := os.Stat(file)
		if gone == nil && time.Since(info.ModTime()) > candidateAge {
			err = errors.Join(err, restoreFile(file, nil))
		}
	}
	return errors.Join(err, wrong)
}

// prepareUpstream writes the file that says that nothing is live, unless something is.
func (r *Router) prepareUpstream() error {
	now, err := r.truth()
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
func (r *Router) endLeftHold(ctx context.Context) (ended bool, err error) {
	t, err := r.truth()
	if err != nil || r.holding || answered(ctx, r.settings.run(gateSocket)) {
		return false, err
	}
	if t.Next == "" && !r.stillHolds(ctx) {
		return false, nil
	}
	err = r.settleOn(ctx, t.Route)
	return err == nil, err
}

// stillHolds reports whether the router runs another file than the one in force: verdigris died after it had written that.
// A reload under way, by another verdigris, looks the same for a moment.
func (r *Router) stillHolds(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for differs := false; ; differs = true {
		t, err := r.truth()
		running, asked := r.admin().generation(ctx)
		if ctx.Err() != nil {
			return differs
		}
		if err != nil || asked != nil || running == t.loaded {
			return false // a router that does not run starts with the file
		}
		time.Sleep(pollEvery)
	}
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
