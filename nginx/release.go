package nginx

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Release lets the waiting requests go. Without a Route before, they go to the old slice as with Abort.
func (h *hold) Release(ctx context.Context) error {
	h.router.mu.Lock()
	defer h.router.mu.Unlock()
	if err := h.end(ctx, !h.isRouted); err != nil {
		return fmt.Errorf("release requests: %w", err)
	}
	return nil
}

// Abort lets the waiting requests go to the slice that was live and restores its configuration. After a Route the
// configuration is restored first, or they would go to the new slice.
func (h *hold) Abort(ctx context.Context) error {
	h.router.mu.Lock()
	defer h.router.mu.Unlock()
	if err := h.end(ctx, true); err != nil {
		return fmt.Errorf("call cutover off: %w", err)
	}
	return nil
}

// Waited returns how many requests have waited so far, and the longest wait that is over.
func (h *hold) Waited() (held int, longest time.Duration) { return h.gate.count() }

// end closes the gate, whatever happens; back makes the old route the one in force. It must also work for a caller
// whose ctx is over.
func (h *hold) end(ctx context.Context, back bool) error {
	if h.ended {
		return nil
	}
	h.ended = true
	h.router.holding = false
	h.router.leavers.add(h.earlier, h.live.Slice)
	ctx = context.WithoutCancel(ctx)
	if !back || !h.isRouted {
		h.gate.release()
	}
	// The workers that hold answer until others have taken their place, by what the gate says; so it closes after.
	finish := h.load
	if back {
		finish = h.goBack
	}
	err := finish(ctx)
	h.gate.release()
	return errors.Join(err, h.gate.close(ctx))
}

// load has the router load the upstream file, which is the next route's by now. Should it fail, the workers that hold
// go on, and send requests where that file says.
func (h *hold) load(ctx context.Context) error {
	workers, err := h.router.workers(ctx)
	if err != nil {
		return err
	}
	if err := h.router.reload(ctx, workers, h.next.Generation); err != nil {
		return err
	}
	return h.router.removeNextFiles() // of holds that could not begin
}

// goBack puts the old route in force. Only then may the file of the next one go, or workers that look for it would take
// it for moved.
func (h *hold) goBack(ctx context.Context) error {
	if err := h.router.settleOn(ctx, h.live); err != nil {
		return err
	}
	h.gate.turnBack()
	return h.router.removeNextFiles()
}
