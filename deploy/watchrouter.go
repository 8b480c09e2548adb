package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// askEvery is how often the router is asked where it sends requests.
	askEvery = time.Second
	// askWithin bounds one question. A router that takes longer stands still, or so does its machine.
	askWithin = 5 * time.Second
	// workersLeave is how long workers of a configuration that is not in force any more may take to leave.
	workersLeave = 300 * time.Millisecond
	// repairFirst and repairMost bound the pause between two attempts to put a route in force that the router does not have.
	repairFirst, repairMost = time.Second, 30 * time.Second
)

// Routing says whether the router sends requests where its files say.
type Routing struct {
	// Confirmed reports whether the router itself has said so, Since when that has been as it is.
	Confirmed bool      `json:"confirmed"`
	Since     time.Time `json:"since,omitzero"`
	// Slice and Generation are the router's newest answer; both are missing where it has not answered.
	Slice      Slice  `json:"slice,omitempty"`
	Generation uint64 `json:"generation,omitempty"`
	// Reason says what is wrong while it is not confirmed.
	Reason string `json:"reason,omitempty"`
	// Endpoints are who has the addresses of the route now.
	Endpoints []Occupant `json:"endpoints,omitempty"`
}

// Occupant is who has an address that the router sends requests to.
type Occupant struct {
	Address string `json:"address"` // host:port
	// Slice, Container and ID are those of the container at the address; empty where the app has none there.
	Slice     Slice  `json:"slice,omitempty"`
	Container string `json:"container,omitempty"`
	ID        string `json:"id,omitempty"`
}

// errUnconfirmed is the reason until the router has been asked for the first time.
var errUnconfirmed = errors.New("the router has not said yet which slice it sends requests to")

// watchRouter asks the router over and over where it sends requests, and repairs what differs from its files. While it is
// not certain who answers, the mirror rests: what it would overwrite may be what somebody was told is stored.
func (w *worker) watchRouter(ctx context.Context) {
	var wait, due = repairFirst, time.Time{}
	for {
		again := time.After(askEvery)
		switch settled, err := w.askRouter(ctx, !time.Now().Before(due)); {
		case settled:
			wait, due = repairFirst, time.Time{}
		case err != nil:
			due, wait = time.Now().Add(wait), min(2*wait, repairMost)
		}
		select {
		case <-ctx.Done():
			return
		case <-w.ask:
			due = time.Time{} // something has changed
		case <-again:
		}
	}
}

// askRouter asks once, and repairs if it may. Nobody asks during a cutover, which has questions of its own. settled reports whether
// the router does what its files say; err is that of a repair.
func (w *worker) askRouter(ctx context.Context, repair bool) (settled bool, err error) {
	if !w.traffic.TryLock() {
		return true, nil
	}
	defer w.traffic.Unlock()
	route, err := w.Router.Current(ctx)
	if err != nil {
		w.doubt(Answer{}, err)
		return false, nil
	}
	if route.Slice == "" {
		w.trust(Answer{})
		return true, nil
	}
	answer, err := w.askOnce(ctx)
	if err == nil && answer.Slice == route.Slice && !answer.Loaded {
		// A worker of the configuration before may still take a question: nginx takes a moment to send it away.
		pause(ctx, workersLeave)
		answer, err = w.askOnce(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return true, nil
	case errors.Is(err, ErrCannotAsk):
		if w.confirmed() {
			return true, nil // what was applied is all that is known
		}
	case err != nil:
		w.doubt(answer, fmt.Errorf("the router does not say which slice it sends requests to: %w", err))
		return false, nil
	case answer.Slice == route.Slice && answer.Loaded:
		w.trust(answer)
		return true, nil
	default:
		w.doubt(answer, wrongRoute(answer, route))
	}
	if !repair {
		return false, nil
	}
	if err := w.putInForce(ctx, route); err != nil {
		w.log.Error("could not put the live route in force; this goes on being tried", "slice", route.Slice, "error", err)
		return false, err
	}
	return true, nil
}

func (w *worker) askOnce(ctx context.Context) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	return w.Router.Ask(ctx)
}

func wrongRoute(answer Answer, route Route) error {
	if answer.Slice != route.Slice {
		return fmt.Errorf("the router sends requests to %s, and its files say %s", nobodyIfEmpty(answer.Slice), route.Slice)
	}
	return errors.New("the router has not loaded the configuration in its files")
}

func nobodyIfEmpty(s Slice) string {
	if s == "" {
		return "nobody"
	}
	return string(s)
}

// putInForce applies the route, with the addresses that its slice has now, and trusts a router that has confirmed it. It
// is called with traffic held.
func (w *worker) putInForce(ctx context.Context, route Route) error {
	looking, cancel := context.WithTimeout(ctx, observeWithin)
	observed, err := w.Runtime.Observe(looking, route.Slice)
	cancel()
	if err == nil && observed.Running() {
		route.Endpoints = observed.toRoute(route.Endpoints)
	}
	if err := w.Router.Apply(ctx, route); err != nil {
		w.doubt(Answer{}, fmt.Errorf("the router has not confirmed that it sends requests to %s: %w", route.Slice, err))
		return err
	}
	w.trust(Answer{Slice: route.Slice})
	return nil
}

// trust notes that the router does what its files say.
func (w *worker) trust(answer Answer) {
	if was := w.noteRouting(answer, ""); was != "" && was != errUnconfirmed.Error() {
		w.log.Info("the router sends requests where its files say again", "slice", answer.Slice)
	}
}

// doubt notes why it is not certain where the router sends requests.
func (w *worker) doubt(answer Answer, why error) {
	if was := w.noteRouting(answer, why.Error()); was != why.Error() {
		w.log.Error("it is not certain which slice answers; the mirror rests", "error", why)
	}
}

// noteRouting returns the reason before.
func (w *worker) noteRouting(answer Answer, reason string) (was string) {
	w.routing.Lock()
	now := &w.routing.now
	was = now.Reason
	if now.Since.IsZero() || now.Confirmed != (reason == "") {
		now.Since = time.Now().UTC()
	}
	now.Confirmed, now.Reason = reason == "", reason
	now.Slice, now.Generation = answer.Slice, answer.Generation
	w.routing.Unlock()
	if w.Data != nil && was != reason {
		w.Data.Rest(reason)
	}
	return was
}

func (w *worker) confirmed() bool { return w.routingNow().Confirmed }

// whoAnswers is what the router says, and who is at the addresses that it goes to.
func (w *worker) whoAnswers(route Route, slices []SliceStatus) Routing {
	now := w.routingNow()
	for _, e := range route.Endpoints {
		now.Endpoints = append(now.Endpoints, occupant(e.Address, slices))
	}
	return now
}

func occupant(address string, slices []SliceStatus) Occupant {
	for _, s := range slices {
		for _, e := range s.Endpoints {
			if e.Address == address {
				return Occupant{Address: address, Slice: s.Slice, Container: e.Container, ID: s.idOf(e.Container)}
			}
		}
	}
	return Occupant{Address: address}
}

func (s SliceStatus) idOf(container string) string {
	for _, c := range s.Containers {
		if c.Name == container {
			return c.ID
		}
	}
	return ""
}

func (w *worker) routingNow() Routing {
	w.routing.Lock()
	defer w.routing.Unlock()
	return w.routing.now
}
