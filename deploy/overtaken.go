package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// SupersededError ends a push whose commit is not the head of its ref any more: deliveries come late, twice and in any order.
type SupersededError struct {
	// Ref is what was pushed to, Head the commit there now; empty where the ref is gone.
	Ref    string
	Commit Commit
	Head   Commit
}

func (e *SupersededError) Error() string {
	if e.Head == "" {
		return fmt.Sprintf("%s is gone from the repository", shortRef(e.Ref))
	}
	return fmt.Sprintf("%s has moved on: its head is %s, no longer %s", shortRef(e.Ref), e.Head.Short(), e.Commit.Short())
}

// shortRef is the name of a ref as people write it.
func shortRef(ref string) string {
	for _, prefix := range []string{"refs/heads/", "refs/tags/"} {
		if name, is := strings.CutPrefix(ref, prefix); is {
			return name
		}
	}
	return ref
}

// mayBeLate returns a SupersededError for a push whose ref has moved on: the repository is asked, now that it is the push's
// turn. Where it cannot be asked, the pushes that have come since say where they came from. Who names a commit means it.
func (r *run) mayBeLate(ctx context.Context) error {
	t := r.d.Trigger
	if t.By != ByPush || t.Ref == "" {
		return nil
	}
	head, err := r.Source.Resolve(ctx, t.Ref)
	switch {
	case err == nil && head == r.d.Commit:
		return nil
	case err == nil:
		return &SupersededError{Ref: t.Ref, Commit: r.d.Commit, Head: head}
	case errors.Is(err, ErrUnknownRef):
		return &SupersededError{Ref: t.Ref, Commit: r.d.Commit}
	case ctx.Err() != nil:
		return err
	}
	r.worker.log.Warn("the repository does not say where the ref is that was pushed to; what is known of other pushes counts",
		"deployment", r.d.ID, "ref", t.Ref, "error", err)
	if head, err = r.journal.Overtook(ctx, r.app.Name, t.Ref, r.d.Commit); err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	if head != "" {
		return &SupersededError{Ref: t.Ref, Commit: r.d.Commit, Head: head}
	}
	return nil
}
