package history_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"verdigris/test/history"
	"verdigris/test/load"
)

// album is a server with one list, as the gallery has many. What spoil says is done instead of the n-th push.
type album struct {
	mu     sync.Mutex
	list   []string
	pushes int
	spoil  func(a *album, picture string, n int) (spoiled bool, status int)
}

func (a *album) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("X-Verdigris-Slice", "green")
	switch {
	case r.URL.Path == "/upload":
		w.WriteHeader(a.push(string(body)))
	case len(a.list) == 0:
		w.WriteHeader(http.StatusNotFound)
	case r.URL.Path == "/pop":
		_, _ = io.WriteString(w, a.list[0])
		a.list = a.list[1:]
	default:
		_, _ = io.WriteString(w, a.list[len(a.list)-1])
	}
}

func (a *album) push(picture string) int {
	a.pushes++
	if a.spoil != nil {
		if spoiled, status := a.spoil(a, picture, a.pushes); spoiled {
			return status
		}
	}
	a.list = append(a.list, picture)
	return http.StatusCreated
}

// visit lets clients use an album for a while and empties it.
func visit(t *testing.T, a *album) *history.History {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	g := &history.Gallery{URL: server.URL, History: &history.History{}}
	workers := []load.Worker{g.Pusher("cats"), g.Pusher("cats"), g.Popper("cats"), g.Peeker("cats")}
	load.Start(t.Context(), load.Plan{Count: 400, Workers: workers}).Wait()
	if err := g.Drain(t.Context(), "cats"); err != nil {
		t.Fatal(err)
	}
	return g.History
}

func TestClientsOfAGalleryEnterWhatTheyDo(t *testing.T) {
	h := visit(t, &album{})
	if err := h.Check(time.Minute); err != nil {
		t.Error(err)
	}
	ops := h.Operations()
	last := ops[len(ops)-1]
	if len(ops) < 400 || last.Kind != history.Pop || last.Value != "" || last.Slice != "green" || last.Key != "cats" {
		t.Errorf("%d operations, the last is %+v", len(ops), last)
	}
}

func TestServersThatFailWithOrWithoutDoingItAreNoViolation(t *testing.T) {
	h := visit(t, &album{spoil: func(a *album, picture string, n int) (bool, int) {
		if n%40 == 0 {
			a.list = append(a.list, picture)
		}
		return n%20 == 0, http.StatusBadGateway
	}})
	if err := h.Check(time.Minute); err != nil {
		t.Error(err)
	}
}

func TestAServerThatLosesWhatItAcknowledgedIsFound(t *testing.T) {
	err := visit(t, &album{spoil: func(_ *album, _ string, n int) (bool, int) { return n == 50, http.StatusCreated }}).Check(time.Minute)
	var v *history.Violation
	if !errors.As(err, &v) || !strings.Contains(err.Error(), "it is lost") || !strings.Contains(err.Error(), "green") {
		t.Errorf("got %v", err)
	}
}
