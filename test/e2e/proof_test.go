package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
	"verdigris/test/load"
)

// crowd is a load of all kinds: clients that keep their connections and never repeat a request, uploads of megabytes,
// websockets, and writers whose numbered pictures are accounted for in the end.
func (s *site) crowd(book *ledger) []load.Worker {
	var workers []load.Worker
	for i := range 32 {
		client := s.reader()
		client.Every = 20 * time.Millisecond
		if i%4 == 3 {
			client = load.Requests{Kind: "posts", Every: 20 * time.Millisecond, Request: func(int) (*http.Request, error) {
				return load.Post(s.edge("/pop?album=nothing"), "", 0)
			}, Check: func(x load.Exchange) error {
				if x.Status != http.StatusNotFound { // there never is a picture in it
					return fmt.Errorf("status %d: %s", x.Status, x.Body)
				}
				return nil
			}}
		}
		workers = append(workers, client)
	}
	for i := range 8 {
		upload := load.Uploads(s.edge(fmt.Sprintf("/upload?album=big-%d", i)), func(int) string { return "GIF89a" })
		upload.Every = 8 * time.Second
		workers = append(workers, upload)
	}
	for range 4 {
		workers = append(workers, load.WebSocket{URL: s.edge("/live"), Echo: true})
	}
	return append(workers, s.uploader(book, "writer-a", 100), s.uploader(book, "writer-b", 100))
}

// mirrorInStep waits until the standby has everything.
func (s *site) mirrorInStep() {
	s.t.Helper()
	testkit.Within(s.t, 2*time.Minute, "the mirror is in step", func() error {
		status := s.status()
		if m := status.Mirror; m == nil || m.State != deploy.MirrorInStep || m.Behind > 0 {
			return fmt.Errorf("it stands at %+v", status.Mirror)
		}
		return nil
	})
}

// sameLists fails unless both slices have the same pictures.
func (s *site) sameLists() {
	s.t.Helper()
	blue, green := s.redis(deploy.Blue), s.redis(deploy.Green)
	for _, key := range blue.Keys(context.Background(), "images*").Val() {
		testkit.Within(s.t, 30*time.Second, key+" is the same on both sides", func() error {
			a, b := blue.LRange(context.Background(), key, 0, -1).Val(), green.LRange(context.Background(), key, 0, -1).Val()
			if !slices.Equal(a, b) {
				return fmt.Errorf("%d items on blue, %d on green", len(a), len(b))
			}
			return nil
		})
	}
	if a, b := len(blue.Keys(context.Background(), "images*").Val()), len(green.Keys(context.Background(), "images*").Val()); a != b {
		s.t.Errorf("%d lists on blue, %d on green", a, b)
	}
}

// caches puts a key that is not selected on each side, and returns what fails unless both are untouched.
func (s *site) caches() (untouched func()) {
	s.t.Helper()
	slices := []deploy.Slice{deploy.Blue, deploy.Green}
	for _, slice := range slices {
		if err := s.redis(slice).Set(context.Background(), "cache", string(slice), 0).Err(); err != nil {
			s.t.Fatal(err)
		}
	}
	return func() {
		s.t.Helper()
		for _, slice := range slices {
			if got := s.redis(slice).Get(context.Background(), "cache").Val(); got != string(slice) {
				s.t.Errorf("the cache of %s holds %q", slice, got)
			}
		}
	}
}

func TestSite_RoundsOfCutoversUnderEveryKindOfClient_LoseNothing(t *testing.T) {
	s := goodSite(t)
	untouched := s.caches()
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	book := &ledger{}
	l := load.Start(context.Background(), load.Plan{Workers: s.crowd(book)})
	stayed := 0
	for range testkit.Rounds(t, 5) {
		stayed += s.toAndFro()
	}
	t.Logf("%d requests stayed on the old slice", stayed)
	s.mirrorInStep()
	report := l.Stop()
	s.noneFailed(report)
	for _, kind := range []string{"requests", "posts", "uploads", "websockets"} {
		if report.Kinds[kind].Sent == 0 {
			t.Errorf("there were no %s", kind)
		}
	}
	live := deploy.Green // back where it began
	s.serves(live)
	s.accountFor(book, live)
	s.sameLists()
	untouched()
}
