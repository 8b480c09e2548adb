package deploy

import (
	"context"
	"sync"
	"time"
)

// hub wakes the readers of a deployment's events. The events themselves are in the journal, so that a slow
// reader costs nothing and a late one misses nothing.
type hub struct {
	mu    sync.Mutex
	bells map[int64]chan struct{}
}

func newHub() *hub { return &hub{bells: map[int64]chan struct{}{}} }

// bell returns a channel that is closed at the next ring for the deployment.
func (h *hub) bell(id int64) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, ok := h.bells[id]
	if !ok {
		b = make(chan struct{})
		h.bells[id] = b
	}
	return b
}

func (h *hub) ring(id int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b, ok := h.bells[id]; ok {
		close(b)
		delete(h.bells, id)
	}
}

// Events returns the events of a deployment that come after the number given: those of the past at once, those of
// the future as they happen. The channel is closed when the deployment has ended or ctx is over.
func (c *Controller) Events(ctx context.Context, id, after int64) (<-chan Event, error) {
	if _, err := c.journal.Get(ctx, id); err != nil {
		return nil, err
	}
	out := make(chan Event)
	go func() {
		defer close(out)
		c.follow(ctx, id, after, out)
	}()
	return out, nil
}

func (c *Controller) follow(ctx context.Context, id, after int64, out chan<- Event) {
	defer c.hub.ring(id) // takes the bell away that nobody may ever ring
	for {
		bell := c.hub.bell(id) // before the look, so that nothing falls in between
		events, err := c.journal.Events(ctx, id, after)
		if err != nil {
			return
		}
		for _, e := range events {
			select {
			case out <- e:
			case <-ctx.Done():
				return
			}
			after = e.Seq
			if e.Type == EventState && e.State.Ended() {
				return
			}
		}
		select {
		case <-bell:
		case <-time.After(lookAgain):
			if len(events) == 0 && c.ended(ctx, id) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// lookAgain is how often a reader that hears nothing looks whether the deployment has ended without a last event.
const lookAgain = time.Second

// ended covers a reader that asks for events after the last one, and a journal that lost the last one.
func (c *Controller) ended(ctx context.Context, id int64) bool {
	d, err := c.journal.Get(ctx, id)
	return err != nil || d.State.Ended()
}
