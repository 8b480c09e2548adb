package nginx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// errCalledOff means that requests went to the old slice before the cutover could route them to the new one.
var errCalledOff = errors.New("the hold was called off and requests go on to the old slice")

// gate answers the router's question where a request goes, once the cutover is over. It sees neither headers nor
// bodies: those stay in nginx.
type gate struct {
	server *http.Server
	path   string
	name   string
	limit  time.Duration
	most   int
	open   chan struct{} // closed when requests may go on
	// passing are the sockets of the door from before the hold.
	passing []string

	mu      sync.Mutex
	since   time.Time   // when the first request began to wait; zero until then
	timer   *time.Timer // ends the wait; nil until then
	beat    time.Time   // when this process was last seen to go on
	beating *time.Timer
	opened  bool
	routing bool  // too late to call the hold off
	routed  bool  // the next slice is the live one
	off     error // why the hold was called off
	waiting int
	held    int
	passed  int  // how many did not need to wait
	isShut  bool // nobody passes any more
	longest time.Duration
}

// openGate binds the socket and makes requests wait for at most limit, and most of them at a time. The limit counts from the
// first of them on: what takes long while nobody waits harms nobody. Those that came in by the passing sockets need not
// wait as long as the drain lasts.
func openGate(ctx context.Context, path, name string, limit time.Duration, most int, passing ...string) (*gate, error) {
	listener, err := listenSocket(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open gate: %w", err)
	}
	g := &gate{path: path, name: name, limit: limit, most: most, open: make(chan struct{}), passing: passing}
	g.server = &http.Server{
		Handler:           http.HandlerFunc(g.serve),
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // a client that gave up is no news
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.beat, g.beating = time.Now(), time.AfterFunc(limit/4, g.tick)
	go g.listen(listener)
	return g, nil
}

// tick notes that this process goes on. While it stands still nginx gives up on the gate, later than after the limit
// (gateTimeout), and sends requests to the old slice that the gate has never seen.
func (g *gate) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened {
		return
	}
	if !g.routing && g.stoodStill() {
		g.callOff(g.late())
		return
	}
	g.beat = time.Now()
	g.beating.Reset(g.limit / 4)
}

// stoodStill is called with mu held.
func (g *gate) stoodStill() bool { return time.Since(g.beat) > g.limit }

func (g *gate) listen(listener net.Listener) { _ = g.server.Serve(listener) } // ends with http.ErrServerClosed

// goHeader tells nginx where the request goes; see templates/hold.tmpl.
const goHeader = "X-Verdigris-Go"

// serve keeps one request waiting. Whoever asks for another gate is a worker of an earlier hold that has not come to read
// the request before. It takes other slices for the live and the next one, and is told nothing: the configuration in
// force decides.
func (g *gate) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/"+g.name {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if !g.pass(r.Header.Get(cameHeader)) && !g.wait(r.Context()) {
		return
	}
	w.Header().Set(goHeader, g.direction())
	w.WriteHeader(http.StatusNoContent)
}

func (g *gate) direction() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.routed {
		return "next"
	}
	return "live"
}

func (g *gate) wait(ctx context.Context) (goOn bool) {
	if !g.arrive() {
		return true
	}
	start := time.Now()
	defer func() { g.leave(time.Since(start)) }()
	select {
	case <-g.open:
		return true
	case <-ctx.Done():
		return false // the client has gone
	}
}

// arrive counts a request in; it returns false for one that need not wait.
func (g *gate) arrive() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened {
		return false
	}
	if g.since.IsZero() {
		g.since, g.timer = time.Now(), time.AfterFunc(g.limit, g.expire)
	}
	g.held++
	g.waiting++
	if g.waiting > g.most && !g.routing {
		g.callOff(fmt.Errorf("%w: more than %d of them waited", errCalledOff, g.most))
	}
	return true
}

func (g *gate) leave(waited time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting--
	g.longest = max(g.longest, waited)
}

func (g *gate) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.opened && !g.routing {
		g.callOff(g.late())
	}
}

func (g *gate) late() error {
	return fmt.Errorf("%w: they had waited for %s", errCalledOff, g.limit)
}

// callOff is called with mu held.
func (g *gate) callOff(reason error) {
	g.off = reason
	g.unlock()
}

// beginRoute makes it too late to call the hold off: a request that went to the old slice while the router turns
// to the new one would be lost. The clock is asked too, because the timer of a process that stood still is late.
func (g *gate) beginRoute() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.off == nil && !g.opened && g.isLate() {
		g.callOff(g.late())
	}
	if g.off != nil {
		return g.off
	}
	g.routing, g.isShut = true, true
	return nil
}

// inPlace returns nil if requests find the gate. One that does not has gone on to the old slice.
func (g *gate) inPlace(ctx context.Context) error {
	if !answered(ctx, g.path) {
		return fmt.Errorf("the gate's socket %s is gone, and requests go on to the old slice", g.path)
	}
	return nil
}

// endRoute lets the limits hold again. What they would have stopped meanwhile stops now. After a route that failed
// requests wait for the limit once more: what the new slice may have taken in has to be carried back before the old
// one serves them, or it would overwrite what they write.
func (g *gate) endRoute(routed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !routed {
		g.stopClock() // from here on nothing but the limit ends the wait
		g.since, g.timer = time.Now(), time.AfterFunc(g.limit, g.release)
		return
	}
	g.routing, g.routed = false, true
	if !g.opened && g.isLate() {
		g.callOff(g.late())
	}
}

// isLate reports whether a request has waited for longer than the limit, or may have. It is called with mu held.
func (g *gate) isLate() bool {
	return g.stoodStill() || !g.since.IsZero() && time.Since(g.since) > g.limit
}

// left is how much of the limit is left.
func (g *gate) left() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.since.IsZero() {
		return g.limit
	}
	return g.limit - time.Since(g.since)
}

// stopClock is called with mu held.
func (g *gate) stopClock() {
	if g.timer != nil {
		g.timer.Stop()
	}
	g.beating.Stop()
}

// follow makes requests go on to where the hold's sign says.
func (g *gate) follow(routed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.routed = routed
}

// release lets all requests go on, those that come later too.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unlock()
}

func (g *gate) unlock() {
	if !g.opened {
		g.opened = true
		g.stopClock()
		close(g.open)
	}
}

func (g *gate) count() (held int, longest time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held, g.longest
}

// close answers those who are still there and removes the socket. A request that comes to ask later finds nobody
// and goes on to where the configuration in force sends it.
func (g *gate) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := g.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, g.server.Close())
	}
	if gone := os.Remove(g.path); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	if err != nil {
		return fmt.Errorf("close gate: %w", err)
	}
	return nil
}
