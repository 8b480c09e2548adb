package deploy

import "context"

// Status is how an app stands: what the router, the engine and the journal say.
type Status struct {
	App      string `json:"app"`
	Live     Slice  `json:"live,omitempty"`     // empty when nothing is live yet
	Previous Slice  `json:"previous,omitempty"` // where a rollback goes; empty when there is none
	Route    Route  `json:"route"`
	// Router is what the router itself says, beside Route, which is what its files say.
	Router Routing `json:"router"`
	// Slices are blue, green and, where the app has one, staging.
	Slices []SliceStatus `json:"slices"`
	// Mirroring tells whether the mirror is switched on; Mirror says how it stands, and is missing without data.
	Mirroring bool          `json:"mirroring"`
	Mirror    *MirrorStatus `json:"mirror,omitempty"`
	// Running is the deployment that is being carried out; Queued are those that wait.
	Running *Deployment  `json:"running,omitempty"`
	Queued  []Deployment `json:"queued"`
	// Last is the newest deployment that ended.
	Last *Deployment `json:"last,omitempty"`
}

func (w *worker) status(ctx context.Context) (Status, error) {
	route, err := w.Router.Current(ctx)
	if err != nil {
		return Status{}, err
	}
	s := Status{App: w.app.Name, Live: route.Slice, Previous: route.Previous, Route: route, Queued: []Deployment{}}
	s.Route.Endpoints = listed(route.Endpoints)
	for _, slice := range w.app.Slices {
		observed, err := w.Runtime.Observe(ctx, slice)
		if err != nil {
			return Status{}, err
		}
		if slice == s.Previous && stillPrevious(route, observed) != nil {
			s.Previous = "" // a rollback would be refused
		}
		observed.Containers, observed.Endpoints = listed(observed.Containers), listed(observed.Endpoints)
		s.Slices = append(s.Slices, observed)
	}
	s.Router = w.whoAnswers(route, s.Slices)
	if m, err := w.mirroring(); err == nil {
		s.Mirroring, s.Mirror = m.On, &m.Mirror
	}
	s.Running, s.Queued = w.queue.snapshot()
	recent, err := w.journal.List(ctx, w.app.Name, 0)
	if err != nil {
		return Status{}, err
	}
	for _, d := range recent {
		if d.State.Ended() && d.State != StateSuperseded {
			s.Last = &d
			break
		}
	}
	return s, nil
}

// listed makes an empty list of none: in JSON it is [] then, not null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
