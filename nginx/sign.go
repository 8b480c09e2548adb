package nginx

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"verdigris/deploy"
)

// sign is the file by which a hold turns the route. Its name has the hold's own name and the slice that is live, such as
// hold.K7QF.blue, so one rename moves the route, and one takes it back. A worker that knows the hold looks for the name
// that says its next slice, and where that is not there nothing has moved: a file that is missing never moves traffic, nor
// does what another hold has left.
type sign struct {
	hold  string
	slice deploy.Slice
}

const anySign = "hold.*.*"

func (s sign) file() string { return "hold." + s.hold + "." + string(s.slice) }

// parseSign reads the name of a sign's file.
func parseSign(file string) (s sign, ok bool) {
	parts := strings.Split(filepath.Base(file), ".")
	if len(parts) != 3 {
		return sign{}, false
	}
	s = sign{hold: parts[1], slice: deploy.Slice(parts[2])}
	return s, s.slice.Production()
}

// put writes the sign's file.
func (r *Router) put(s sign) error { return writeFile(r.settings.conf(s.file()), nil) }

// turn makes a sign say another slice, in one step that outlasts a power cut: else the old slice could come back after the
// new one took writes. moved reports whether the step was taken.
func (r *Router) turn(s sign, to deploy.Slice) (moved bool, err error) {
	turned := sign{s.hold, to}
	if err := os.Rename(r.settings.conf(s.file()), r.settings.conf(turned.file())); err != nil {
		return false, err
	}
	return true, syncDir(r.settings.ConfDir)
}

// says reports whether the sign is there.
func (r *Router) says(s sign) (bool, error) {
	_, err := os.Stat(r.settings.conf(s.file()))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// oldSigns lists the signs of holds other than the one in the upstream file.
func (r *Router) oldSigns(now truth) (old []sign, err error) {
	files, err := filepath.Glob(r.settings.conf(anySign))
	for _, file := range files {
		if s, ok := parseSign(file); ok && (now.Hold == "" || s.hold != now.Hold) {
			old = append(old, s)
		}
	}
	return old, err
}

// alignSigns makes the signs of holds that are over say the slice that is live. A worker that knows one of them and comes
// late, having stood still, sends what it has to where all others do.
func (r *Router) alignSigns() error {
	now, err := r.truth()
	if err != nil {
		return err
	}
	old, err := r.oldSigns(now)
	for _, s := range old {
		if s.slice != now.Slice && now.Slice != "" {
			_, moved := r.turn(s, now.Slice)
			err = errors.Join(err, moved)
		}
	}
	if err != nil {
		return fmt.Errorf("align the signs of earlier holds: %w", err)
	}
	return nil
}

// tidy removes the signs of holds that were over before the router was last reloaded, as oldSigns had listed them then. That
// it has been reloaded since shows that its master has sent away all workers that knew them: after a reload it takes 100 ms
// for that, in which it replaces a worker that ends by another of its kind (ngx_master_process_cycle). Nothing is removed
// while such workers still serve requests. What cannot be removed does no harm.
func (r *Router) tidy(ctx context.Context, old []sign) {
	left, err := filepath.Glob(r.settings.conf(anyNextFile)) // of a verdigris from before there were signs
	for _, s := range old {
		left = append(left, r.settings.conf(s.file()))
	}
	if err == nil && len(left) > 0 {
		var workers []Worker
		if workers, err = r.workers(ctx); len(accepting(workers)) < len(workers) {
			return
		}
	}
	for i := 0; i < len(left) && err == nil; i++ {
		err = restoreFile(left[i], nil)
	}
	if err != nil {
		r.Log.Warn("could not remove what earlier holds have left", "app", r.settings.App, "error", err)
	}
}
