package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"verdigris/config"
	"verdigris/deploy"
	"verdigris/webhooks"
)

// pushOptions say which commit of which clone was pushed.
type pushOptions struct{ dir, commit, branch string }

// sample asks git what a forge would know about the push.
func (p pushOptions) sample(ctx context.Context, app *config.App) (webhooks.SamplePush, error) {
	if p.branch == "" {
		p.branch = app.Repository.Branch
	}
	if p.dir == "" {
		if !filepath.IsAbs(app.Repository.URL) {
			return webhooks.SamplePush{}, &deploy.InputError{Reason: "the app's repository is not a folder: name a clone of it with --repository"}
		}
		p.dir = app.Repository.URL
	}
	if p.commit == "" {
		p.commit = "refs/heads/" + p.branch
	}
	head, err := p.describe(ctx, p.commit)
	if err != nil {
		return webhooks.SamplePush{}, err
	}
	before, err := p.git(ctx, "rev-parse", "--verify", "--quiet", string(head.ID)+"^")
	if err != nil {
		before = "" // the first commit has none before it
	}
	return webhooks.SamplePush{
		Repository: "verdigris/" + app.Name, Ref: "refs/heads/" + p.branch, Pusher: head.Author, Email: head.Email,
		Before: deploy.Commit(strings.TrimSpace(before)), After: head.ID,
		Commits: []webhooks.SampleCommit{head},
	}, nil
}

// describe reads one commit: its ids, message, author, and the files that it touches.
func (p pushOptions) describe(ctx context.Context, name string) (c webhooks.SampleCommit, err error) {
	text, err := p.git(ctx, "log", "-1", "--format=%H%x00%T%x00%an%x00%ae%x00%cI%x00%B", "--end-of-options", name)
	if err != nil {
		return c, err
	}
	parts := strings.SplitN(text, "\x00", 6)
	if len(parts) != 6 {
		return c, fmt.Errorf("read commit %s: git printed something else", name)
	}
	if c.ID, err = deploy.ParseCommit(parts[0]); err != nil {
		return c, err
	}
	if c.Time, err = time.Parse(time.RFC3339, parts[4]); err != nil {
		return c, fmt.Errorf("read commit %s: %w", name, err)
	}
	c.Tree, c.Author, c.Email, c.Message = deploy.Commit(parts[1]), parts[2], parts[3], strings.TrimSpace(parts[5])
	files, err := p.git(ctx, "diff-tree", "--no-commit-id", "--name-status", "--no-renames", "-r", "-z", "--root", string(c.ID))
	if err != nil {
		return c, err
	}
	fields := strings.Split(strings.TrimSuffix(files, "\x00"), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		switch status, path := fields[i], fields[i+1]; status {
		case "A":
			c.Added = append(c.Added, path)
		case "D":
			c.Removed = append(c.Removed, path)
		default:
			c.Modified = append(c.Modified, path)
		}
	}
	return c, nil
}

// git runs one git command in the clone and returns what it prints.
func (p pushOptions) git(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", p.dir}, args...)...).Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return "", fmt.Errorf("ask git about %s: %s", p.dir, strings.TrimSpace(string(failed.Stderr)))
	}
	if err != nil {
		return "", fmt.Errorf("ask git about %s: %w", p.dir, err)
	}
	return string(out), nil
}
