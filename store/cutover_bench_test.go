package store_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/store"
)

// BenchmarkHeldByTheJournal measures how long requests wait for the journal in a cutover: the time from the closing of
// the gate to its opening, with a router and data that take no time at all. The reference, in the same run, is one save of
// the same record.
func BenchmarkHeldByTheJournal(b *testing.B) {
	journal, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "journal.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { journal.Close() })
	site := newSite(b)
	controller := deploy.NewController(journal)
	controller.Logger = slog.New(slog.DiscardHandler)
	app := deploy.App{
		Name: "shop", Slices: []deploy.Slice{deploy.Blue, deploy.Green}, HoldTimeout: 5 * time.Second, KeepReleases: 2,
		Health: deploy.Health{Path: "/", Status: 200, Timeout: time.Second, Interval: time.Millisecond, Successes: 1, Deadline: time.Minute},
	}
	if err := controller.Add(app, deploy.Adapters{Source: noSource{}, Runtime: site, Router: site, Data: still{}}); err != nil {
		b.Fatal(err)
	}
	go controller.Run(b.Context())

	var held, saved time.Duration
	for b.Loop() {
		d := switchOver(b, controller)
		held += site.opened.Sub(site.closed)
		begin := time.Now()
		if err := journal.Save(b.Context(), d); err != nil {
			b.Fatal(err)
		}
		saved += time.Since(begin)
	}
	b.ReportMetric(float64(held.Microseconds())/1e3/float64(b.N), "ms-held/op")
	b.ReportMetric(float64(saved.Microseconds())/1e3/float64(b.N), "ms-save/op")
	b.ReportMetric(float64(held)/float64(saved), "saves-held/op")
}

// switchOver moves the traffic once and waits for the end.
func switchOver(b *testing.B, controller *deploy.Controller) deploy.Deployment {
	d, err := controller.Switch(b.Context(), "shop", deploy.SwitchRequest{})
	if err != nil {
		b.Fatal(err)
	}
	events, err := controller.Events(b.Context(), d.ID, 0)
	if err != nil {
		b.Fatal(err)
	}
	for range events {
	}
	if d, err = controller.Deployment(b.Context(), d.ID); err != nil || d.State != deploy.StateSucceeded {
		b.Fatalf("%s: %+v %v", d.State, d.Error, err)
	}
	return d
}

// noSource has nothing to prune.
type noSource struct{ deploy.Source }

func (noSource) Prune(context.Context, []deploy.Commit) error { return nil }

// site is a runtime and a router that do nothing but remember the route and when requests waited.
type site struct {
	deploy.Runtime
	deploy.Router
	address        string
	route          deploy.Route
	closed, opened time.Time
}

func newSite(b *testing.B) *site {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(server.Close)
	s := &site{address: server.Listener.(*net.TCPListener).Addr().String()}
	s.route = deploy.Route{Slice: deploy.Blue, Endpoints: s.endpoints()}
	return s
}

func (s *site) endpoints() []deploy.Endpoint {
	return []deploy.Endpoint{{Container: "web-1", Address: s.address}}
}

func (s *site) Observe(_ context.Context, slice deploy.Slice) (deploy.SliceStatus, error) {
	return deploy.SliceStatus{Slice: slice, Commit: deploy.Commit(fmt.Sprintf("%040d", len(slice))), Endpoints: s.endpoints()}, nil
}
func (s *site) Logs(context.Context, deploy.Slice, deploy.LogOptions, io.Writer) error { return nil }
func (s *site) Prune(context.Context, []deploy.Commit) (int, error)                    { return 0, nil }
func (s *site) Current(context.Context) (deploy.Route, error)                          { return s.route, nil }
func (s *site) Apply(_ context.Context, r deploy.Route) error                          { s.route = r; return nil }
func (s *site) Get(context.Context, string) (deploy.Reply, error) {
	return deploy.Reply{Status: 200}, nil
}

func (s *site) Hold(_ context.Context, next deploy.Route) (deploy.Hold, error) {
	s.closed = time.Now()
	return &hold{s, next}, nil
}

type hold struct {
	site *site
	next deploy.Route
}

func (h *hold) Drain(context.Context, time.Duration) (int, error) { return 0, nil }
func (h *hold) Route(context.Context) error                       { h.site.route = h.next; return nil }
func (h *hold) Abort(context.Context) error                       { return nil }
func (h *hold) Waited() (int, time.Duration)                      { return 0, 0 }
func (h *hold) Release(context.Context) error {
	h.site.opened = time.Now()
	return nil
}

// still is data that never changes.
type still struct{ deploy.Data }

func (still) Begin(context.Context, deploy.Slice, deploy.Slice) (deploy.Transfer, error) {
	return still{}, nil
}
func (still) Open(context.Context, deploy.Slice) error { return nil }
func (still) Mirror(deploy.Slice)                      {}
func (still) LookOut(deploy.Slice)                     {}
func (still) Mirrored() deploy.MirrorStatus            { return deploy.MirrorStatus{State: deploy.MirrorOff} }
func (still) Copy(context.Context, func(deploy.CopyProgress)) (deploy.CopyReport, error) {
	return deploy.CopyReport{}, nil
}
func (still) Settle(context.Context) (deploy.CopyReport, error) { return deploy.CopyReport{}, nil }
func (still) Turn(context.Context) ([]string, error)            { return nil, nil }
func (still) Close() error                                      { return nil }
