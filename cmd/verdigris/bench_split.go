package main

import (
	"sync"
	"time"

	"verdigris/test/load"
)

// split counts latencies apart: those of requests that met a cutover, and all others. Which they are is known only when
// the cutover is over and its record says when requests waited, so what ended since the last one waits to be counted.
type split struct {
	mu           sync.Mutex
	windows      []window
	waiting      []window // a request is a window too: from its start to its answer
	calm, during load.Histogram
}

type window struct{ from, to time.Time }

func (w window) meets(other window) bool { return w.from.Before(other.to) && other.from.Before(w.to) }

// watch takes what a worker did. Only requests with an answer have a latency that can be compared.
func (s *split) watch(e load.Entry) {
	if e.Err != nil || e.Kind != "GET" && e.Kind != "POST" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, window{e.Start, e.Start.Add(e.Took)})
}

// cutover counts what waits, now that it is known when requests were held.
func (s *split) cutover(held window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.windows = append(s.windows, held)
	s.count()
}

// end counts the rest.
func (s *split) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count()
}

func (s *split) count() {
	for _, request := range s.waiting {
		if s.met(request) {
			s.during.Add(request.to.Sub(request.from))
		} else {
			s.calm.Add(request.to.Sub(request.from))
		}
	}
	s.waiting = s.waiting[:0]
}

// met looks from the newest cutover back: older ones ended before the request began.
func (s *split) met(request window) bool {
	for i := len(s.windows) - 1; i >= 0 && s.windows[i].to.After(request.from); i-- {
		if request.meets(s.windows[i]) {
			return true
		}
	}
	return false
}
