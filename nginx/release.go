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

// Abort lets the waiting requests go to the slice that was live and restores its configuration, also after a Route.
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

// end closes the gate, whatever happens; back makes the old route the one in force. Where requests go is settled before
// they do: the sign says it, and the gate after it. It must also work for a caller whose ctx is over.
func (h *hold) end(ctx context.Context, back bool) error {
	if h.ended {
		return nil
	}
	h.ended = true
	h.router.holding = false
	h.router.leavers.add(h.earlier, h.live.Slice)
	ctx = context.WithoutCancel(ctx)
	var err error
	if back && h.isRouted {
		err = h.turnBack()
	}
	h.gate.follow(h.isRouted)
	h.gate.release()
	// The workers that hold answer until others have taken their place, by what the gate says; so it closes after.
	return errors.Join(err, h.load(ctx), h.gate.close(ctx))
}

// load has the router load the plain configuration of the route that counts. Should it fail, the workers that hold go on,
// and send requests where the hold's sign says.
func (h *hold) load(ctx context.Context) error {
	r := h.router
	if !h.isRouted {
		return r.settleOn(ctx, h.live)
	}
	over, err := r.oldSigns(truth{Hold: h.name})
	err = errors.Join(err, r.alignSigns())
	if wrong := writeFile(r.settings.conf(upstreamFile), h.routed); wrong != nil {
		return errors.Join(err, wrong)
	}
	workers, gone := r.workers(ctx)
	if gone != nil {
		return errors.Join(err, gone)
	}
	if wrong := r.reload(ctx, workers, h.next.Generation, nobodyWaits); wrong != nil {
		return errors.Join(err, wrong)
	}
	r.tidy(ctx, over)
	return err
}
