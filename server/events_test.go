package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// story is what the events of a test tell.
func story(after int64, types ...deploy.EventType) (events []deploy.Event) {
	for i, eventType := range types {
		e := deploy.Event{Deployment: 8, Seq: int64(i) + 1, Time: epoch, Type: eventType}
		switch eventType {
		case deploy.EventState:
			e.State = deploy.StateSucceeded
		case deploy.EventPhase:
			e.Phase, e.Record = deploy.PhaseBuild, &deploy.PhaseRecord{Phase: deploy.PhaseBuild, State: deploy.PhaseRunning, StartedAt: epoch}
		default:
			e.Phase, e.Message = deploy.PhaseBuild, "one\ntwo"
		}
		if e.Seq > after {
			events = append(events, e)
		}
	}
	return events
}

// tell makes the controller tell a story and then, unless it is to stay silent, close the channel.
func tell(stay bool, types ...deploy.EventType) func(context.Context, int64, int64) (<-chan deploy.Event, error) {
	return func(ctx context.Context, _, after int64) (<-chan deploy.Event, error) {
		out := make(chan deploy.Event)
		go func() {
			defer close(out)
			for _, e := range story(after, types...) {
				select {
				case out <- e:
				case <-ctx.Done():
				}
			}
			if stay {
				<-ctx.Done()
			}
		}()
		return out, nil
	}
}

// stream opens an event stream; lines reads it.
func (s *service) stream(path string, headers ...string) (*http.Response, *bufio.Scanner) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	check(s.t, err)
	r.Header.Set("Authorization", "Bearer "+goodToken)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	check(s.t, err)
	s.t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("got %s as %s", response.Status, response.Header.Get("Content-Type"))
	}
	return response, bufio.NewScanner(response.Body)
}

func TestEventsAreStreamedToTheLastOne(t *testing.T) {
	s := start(t)
	s.controller.events = tell(true, deploy.EventPhase, deploy.EventLog, deploy.EventProgress, deploy.EventState)
	_, lines := s.stream("/deployments/8/events")
	var ids, types string
	for lines.Scan() {
		switch field, value, _ := strings.Cut(lines.Text(), ": "); field {
		case "id":
			ids += value
		case "event":
			types += value + " "
		case "data":
			check(t, openapi().validate("/components/schemas/Event", []byte(value)))
		case "":
		default:
			t.Errorf("got the line %q", lines.Text())
		}
	}
	if ids != "1234" || types != "phase log progress state " || lines.Err() != nil {
		t.Errorf("got %q of types %q: %v", ids, types, lines.Err())
	}
}

func TestAReaderGoesOnWhereItWas(t *testing.T) {
	s := start(t)
	s.controller.events = tell(false, deploy.EventLog, deploy.EventLog, deploy.EventLog, deploy.EventState)
	for _, c := range []struct{ query, header, first string }{
		{"", "Last-Event-ID: 2", "id: 3"},
		{"?after=1", "", "id: 2"},
		{"?after=1", "Last-Event-ID: 3", "id: 4"},
	} {
		var headers []string
		if c.header != "" {
			headers = []string{c.header}
		}
		_, lines := s.stream("/apps/shop/deployments/8/events"+c.query, headers...)
		if lines.Scan(); lines.Text() != c.first {
			t.Errorf("%+v: got %q", c, lines.Text())
		}
	}
	s.request("GET", "/deployments/8/events", "", "Last-Event-ID: x").want(400)
	s.request("GET", "/deployments/8/events?after=-1", "").want(400)
	s.request("GET", "/deployments/99/events", "").want(404)
	s.request("GET", "/apps/blog/deployments/8/events", "").want(404)
}

func TestAReaderThatHasSeenItAllIsToldNotToComeBack(t *testing.T) {
	s := start(t)
	s.controller.events = tell(false, deploy.EventLog, deploy.EventState)
	s.request("GET", "/deployments/7/events?after=2", "").want(http.StatusNoContent)
	s.request("GET", "/deployments/7/events?after=1", "").want(200, "id: 2\nevent: state\n")
	s.request("GET", "/deployments/7/events", "").want(200, "id: 1\n", "id: 2\n")
}

func TestASilentStreamShowsThatItLivesPastTheTimeouts(t *testing.T) {
	const limit = 100 * time.Millisecond
	s := start(t, func(s *service) { s.Heartbeat, s.ReadTimeout, s.WriteTimeout = limit/5, limit, limit })
	s.controller.events = tell(true)
	begin := time.Now()
	_, lines := s.stream("/deployments/8/events")
	for time.Since(begin) < 4*limit {
		if !lines.Scan() {
			t.Fatalf("the stream ended after %v: %v", time.Since(begin), lines.Err())
		}
		if text := lines.Text(); text != "" && text != ": alive" {
			t.Fatalf("got %q", text)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	s := start(t, func(s *service) { s.MaxStreams = 1 })
	s.controller.events = tell(true, deploy.EventLog)
	response, lines := s.stream("/deployments/8/events")
	lines.Scan()
	s.request("GET", "/deployments/8/events", "").want(http.StatusServiceUnavailable)
	response.Body.Close()
	testkit.Eventually(t, "the place is free again", func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/deployments/8/events", nil)
		check(t, err)
		r.Header.Set("Authorization", "Bearer "+goodToken)
		again, err := http.DefaultClient.Do(r)
		check(t, err)
		again.Body.Close()
		return again.StatusCode == 200
	})
}

func TestAControllerThatCannotTellIsAnswered(t *testing.T) {
	s := start(t)
	s.controller.events = func(context.Context, int64, int64) (<-chan deploy.Event, error) {
		return nil, fmt.Errorf("disk on fire")
	}
	s.request("GET", "/deployments/8/events", "").want(500)
}
