package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"
)

// The fakes of this file stand for rooms that cannot fail on demand. Each does the least that its interface
// promises and has a function field for what a test wants to go wrong.

const (
	commitA = deploy.Commit("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	commitB = deploy.Commit("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
	commitC = deploy.Commit("cccccccccccccccccccccccccccccccccccccccc")
)

type fakeSource struct {
	fetch func(context.Context, deploy.Commit) error
	head  atomic.Pointer[func(ref string) (deploy.Commit, error)]
}

// Resolve knows branches by their short names, and the heads of refs where a test says them.
func (f *fakeSource) Resolve(_ context.Context, ref string) (deploy.Commit, error) {
	if !strings.HasPrefix(ref, "refs/") {
		return commitC, nil
	}
	if head := f.head.Load(); head != nil {
		return (*head)(ref)
	}
	return "", errors.New("the forge does not answer")
}

func (f *fakeSource) Fetch(ctx context.Context, c deploy.Commit, log deploy.Log) (deploy.Checkout, error) {
	if f.fetch != nil {
		if err := f.fetch(ctx, c); err != nil {
			return deploy.Checkout{}, err
		}
	}
	log("fetched")
	return deploy.Checkout{Dir: "/checkout/" + string(c), Subject: "subject of " + c.Short()}, nil
}
func (f *fakeSource) Prune(context.Context, []deploy.Commit) error { return nil }

// fakeRuntime runs a slice as a real HTTP server on loopback.
type fakeRuntime struct {
	t       *testing.T
	mu      sync.Mutex
	running map[deploy.Slice]*fakeContainer
	aside   map[deploy.Slice]*fakeContainer
	calls   []string

	check   func(deploy.Slice) error
	build   func(context.Context) error
	start   func(deploy.Slice) error
	discard func(deploy.Slice) error
	revert  func(deploy.Slice) error
	observe func() error
	handler func(deploy.Slice) http.HandlerFunc
	extra   []deploy.ContainerStatus
	see     func(*deploy.SliceStatus) // changes what is observed

	// workers has the state of each slice's one worker; nil for an app without any.
	workers      map[deploy.Slice]string
	startWorkers func(deploy.Slice) error
	stopWorkers  func(deploy.Slice) error
	watchers     []func()

	ways func(deploy.Slice) []deploy.Way // set by apart

	pruned [][]deploy.Commit // what was kept, each time that old releases were removed
}

// fakeContainer is the web service of a slice.
type fakeContainer struct {
	*httptest.Server
	commit     deploy.Commit
	deployment int64
}

func (f *fakeRuntime) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeRuntime) called() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.calls, " ")
}

// has gives every slice these containers from now on.
func (f *fakeRuntime) has(extra ...deploy.ContainerStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.extra = extra
}

// set changes how the runtime behaves, which is being watched all the time.
func set[T any](f *fakeRuntime, behaviour *T, to T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*behaviour = to
}

// get reads how it behaves.
func get[T any](f *fakeRuntime, behaviour *T) T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *behaviour
}

// forget forgets what was called.
func (f *fakeRuntime) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = nil
}

func (f *fakeRuntime) Check(_ context.Context, s deploy.Slice, _ deploy.Release) error {
	if f.check != nil {
		return f.check(s)
	}
	return nil
}

func (f *fakeRuntime) Build(ctx context.Context, s deploy.Slice, rel deploy.Release, _ bool, log deploy.Log) (deploy.Release, error) {
	f.note("build:%s", s)
	step := deploy.Step{Service: "web", Name: "[1/1] RUN make", State: deploy.StepDone, Seconds: 3.14}
	log(step.String(), step)
	if f.build != nil {
		if err := f.build(ctx); err != nil {
			return rel, err
		}
	}
	rel.Images = map[string]string{"web": "sha256:" + string(rel.Commit)}
	rel.Digests = map[string]string{"cache": "redis@sha256:1"}
	return rel, nil
}

func (f *fakeRuntime) RunJob(_ context.Context, s deploy.Slice, _ deploy.Release, service string, _ deploy.Log) error {
	f.note("job:%s", service)
	return nil
}

func (f *fakeRuntime) Start(_ context.Context, s deploy.Slice, rel deploy.Release, _ deploy.Log) error {
	f.note("start:%s", s)
	if f.start != nil {
		if err := f.start(s); err != nil {
			return err
		}
	}
	var h http.HandlerFunc = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello from "+string(s)) }
	if f.handler != nil {
		h = f.handler(s)
	}
	defer f.tell()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running[s] != nil {
		f.aside[s] = f.running[s]
	}
	f.running[s] = &fakeContainer{Server: httptest.NewServer(h), commit: rel.Commit, deployment: rel.Deployment}
	f.t.Cleanup(f.running[s].Close)
	if f.workers != nil {
		f.workers[s] = "created"
	}
	return nil
}

// Discard is noted when there is something to remove.
func (f *fakeRuntime) Discard(_ context.Context, s deploy.Slice, _ deploy.Log) error {
	if f.discard != nil {
		if err := f.discard(s); err != nil {
			return err
		}
	}
	defer f.tell()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.aside[s] != nil {
		f.calls = append(f.calls, "discard:"+string(s))
	}
	delete(f.aside, s)
	return nil
}

// Revert is noted when there is something to undo.
func (f *fakeRuntime) Revert(_ context.Context, s deploy.Slice, deployment int64, _ deploy.Log) error {
	if f.revert != nil {
		if err := f.revert(s); err != nil {
			return err
		}
	}
	defer f.tell()
	f.mu.Lock()
	defer f.mu.Unlock()
	made := f.running[s] != nil && f.running[s].deployment == deployment
	if !made && f.aside[s] == nil {
		return nil
	}
	f.calls = append(f.calls, "revert:"+string(s))
	delete(f.running, s)
	if f.aside[s] != nil {
		f.running[s] = f.aside[s]
	}
	delete(f.aside, s)
	return nil
}

func (f *fakeRuntime) Ways(_ context.Context, s deploy.Slice) ([]deploy.Way, error) {
	f.mu.Lock()
	ways := f.ways
	f.mu.Unlock()
	if ways == nil {
		return nil, nil
	}
	return ways(s), nil
}

func (f *fakeRuntime) Attach(context.Context, deploy.Log) error { return nil }

func (f *fakeRuntime) Stop(_ context.Context, s deploy.Slice, _ deploy.Log) error {
	f.note("stop:%s", s)
	defer f.tell()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.running, s)
	delete(f.aside, s)
	delete(f.workers, s)
	return nil
}

func (f *fakeRuntime) Observe(_ context.Context, s deploy.Slice) (deploy.SliceStatus, error) {
	if observe := get(f, &f.observe); observe != nil {
		if err := observe(); err != nil {
			return deploy.SliceStatus{}, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	status := deploy.SliceStatus{Slice: s, Containers: f.extra}
	if aside := f.aside[s]; aside != nil {
		status.SetAside = []deploy.ContainerStatus{{Name: string(s) + "-web-1-replaced", Service: "web", State: "exited", Commit: aside.commit}}
	}
	if web := f.running[s]; web != nil {
		status.Commit = web.commit
		if state := f.workers[s]; state != "" {
			status.Containers = append(status.Containers, deploy.ContainerStatus{Name: string(s) + "-jobs-1", Service: "jobs", State: state, Worker: true})
		}
		status.Containers = append(status.Containers, deploy.ContainerStatus{Name: string(s) + "-web-1", Service: "web", State: "running", Commit: web.commit})
		status.Endpoints = []deploy.Endpoint{{Container: string(s) + "-web-1", Address: web.Listener.Addr().String()}}
	}
	if f.see != nil {
		f.see(&status)
	}
	return status, nil
}

func (f *fakeRuntime) Watch(ctx context.Context, changed func()) {
	f.mu.Lock()
	f.watchers = append(f.watchers, changed)
	f.mu.Unlock()
	changed()
	<-ctx.Done()
}

// tell has everybody who watches look again, as an event of the engine does.
func (f *fakeRuntime) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, changed := range f.watchers {
		changed()
	}
}

func (f *fakeRuntime) Logs(_ context.Context, s deploy.Slice, _ deploy.LogOptions, w io.Writer) error {
	_, err := fmt.Fprintf(w, "web | the last words of %s\n", s)
	return err
}

func (f *fakeRuntime) Prune(_ context.Context, keep []deploy.Commit) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pruned = append(f.pruned, keep)
	return 0, nil
}

func (f *fakeRuntime) StartWorkers(_ context.Context, s deploy.Slice, _ deploy.Log) (int, error) {
	f.note("workers-start:%s", s)
	if startWorkers := get(f, &f.startWorkers); startWorkers != nil {
		if err := startWorkers(s); err != nil {
			return 0, err
		}
	}
	return f.work(s, "running"), nil
}

func (f *fakeRuntime) StopWorkers(ctx context.Context, s deploy.Slice, _ deploy.Log) (int, error) {
	f.note("workers-stop:%s", s)
	if stopWorkers := get(f, &f.stopWorkers); stopWorkers != nil {
		if err := stopWorkers(s); err != nil {
			return 0, err
		}
	}
	return f.work(s, "exited"), ctx.Err()
}

// work brings the slice's worker into a state and returns how many that changed.
func (f *fakeRuntime) work(s deploy.Slice, state string) int {
	defer f.tell()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.workers[s] == "" || f.workers[s] == state {
		return 0
	}
	f.workers[s] = state
	return 1
}

// working lists the slices whose worker runs.
func (f *fakeRuntime) working() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, s := range []deploy.Slice{deploy.Blue, deploy.Green, deploy.Staging} {
		if f.workers[s] == "running" {
			list = append(list, string(s))
		}
	}
	return strings.Join(list, " ")
}

// fakeRouter keeps the route in memory and answers Get from the slice's own server.
type fakeRouter struct {
	mu    sync.Mutex
	route deploy.Route
	calls []string

	hold    func() error
	drain   func(context.Context) (int, error)
	onRoute func() error
	release func() error
	abort   func() error
	get     func(deploy.Slice) (int, error)
	away    func() bool

	inFlight func() (int, error)
	staying  func(deploy.Slice) (requests, streams int, err error)
	reach    func(address string) error
	apply    func(deploy.Route) error
	ask      func(inFiles deploy.Answer) (deploy.Answer, error)
}

func (f *fakeRouter) note(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
}

func (f *fakeRouter) called() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.calls, " ")
}

func (f *fakeRouter) Current(context.Context) (deploy.Route, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.route, nil
}

func (f *fakeRouter) Apply(_ context.Context, r deploy.Route) error {
	f.note("apply:" + string(r.Slice))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.apply != nil {
		if err := f.apply(r); err != nil {
			return err
		}
	}
	f.route = r
	return nil
}

// Ask answers what the route in memory says.
func (f *fakeRouter) Ask(context.Context) (deploy.Answer, error) {
	f.mu.Lock()
	answer, ask := deploy.Answer{Slice: f.route.Slice, Generation: f.route.Generation, Loaded: true}, f.ask
	f.mu.Unlock()
	if ask != nil {
		return ask(answer)
	}
	return answer, nil
}

func (f *fakeRouter) Hold(_ context.Context, next deploy.Route) (deploy.Hold, error) {
	f.note("hold")
	if f.hold != nil {
		if err := f.hold(); err != nil {
			return nil, err
		}
	}
	return &fakeHold{router: f, next: next}, nil
}

func (f *fakeRouter) Get(_ context.Context, path string) (deploy.Reply, error) {
	route, _ := f.Current(context.Background())
	if f.away != nil && f.away() {
		return deploy.Reply{Status: http.StatusBadGateway}, nil
	}
	if f.get != nil {
		status, err := f.get(route.Slice)
		return deploy.Reply{Status: status, Slice: route.Slice}, err
	}
	resp, err := http.Get("http://" + route.Endpoints[0].Address + path)
	if err != nil {
		return deploy.Reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return deploy.Reply{Status: resp.StatusCode, Slice: route.Slice, Release: resp.Header.Get(deploy.ReleaseHeader), Body: body}, err
}

func (f *fakeRouter) RoundTrip(request *http.Request) (*http.Response, error) {
	f.mu.Lock()
	reach := f.reach
	f.mu.Unlock()
	if reach != nil {
		if err := reach(request.URL.Host); err != nil {
			return nil, err
		}
	}
	return (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
}

func (f *fakeRouter) Staying(_ context.Context, s deploy.Slice) (requests, streams int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.staying == nil {
		return 0, 0, nil
	}
	return f.staying(s)
}

func (f *fakeRouter) InFlight(context.Context) (int, error) {
	if f.inFlight != nil {
		return f.inFlight()
	}
	return 4, nil
}

type fakeHold struct {
	router *fakeRouter
	next   deploy.Route
}

func (h *fakeHold) Drain(ctx context.Context, _ time.Duration) (int, error) {
	h.router.note("drain")
	if h.router.drain != nil {
		return h.router.drain(ctx)
	}
	return 0, nil
}

func (h *fakeHold) Route(context.Context) error {
	h.router.note("route:" + string(h.next.Slice))
	if h.router.onRoute != nil {
		if err := h.router.onRoute(); err != nil {
			return err
		}
	}
	h.router.mu.Lock()
	defer h.router.mu.Unlock()
	h.router.route = h.next
	return nil
}

func (h *fakeHold) Release(context.Context) error {
	h.router.note("release")
	if h.router.release != nil {
		return h.router.release()
	}
	return nil
}

func (h *fakeHold) Waited() (int, time.Duration) { return 3, 12 * time.Millisecond }

func (h *fakeHold) Abort(context.Context) error {
	h.router.note("abort")
	if h.router.abort != nil {
		return h.router.abort()
	}
	return nil
}

type fakeData struct {
	mu     sync.Mutex
	calls  []string
	rests  []string
	fenced deploy.Slice
	status deploy.MirrorStatus

	begin  func(from deploy.Slice) error
	copy   func(from deploy.Slice) error
	settle func(from deploy.Slice) error
	turn   func(from deploy.Slice) ([]string, error)
	open   func(context.Context, deploy.Slice) error

	estimate func() (deploy.CopyEstimate, error)
}

func (f *fakeData) note(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
}

func (f *fakeData) called() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.calls, " ")
}

func (f *fakeData) Begin(_ context.Context, from, to deploy.Slice) (deploy.Transfer, error) {
	f.note(fmt.Sprintf("begin:%s>%s", from, to))
	if f.begin != nil {
		if err := f.begin(from); err != nil {
			return nil, err
		}
	}
	return &fakeTransfer{data: f, from: from}, nil
}

func (f *fakeData) Estimate(context.Context, deploy.Slice, deploy.Slice) (deploy.CopyEstimate, error) {
	if f.estimate != nil {
		return f.estimate()
	}
	return deploy.CopyEstimate{Keys: 7, Bytes: 1500}, nil
}

// Mirror is in step at once.
func (f *fakeData) Mirror(live deploy.Slice) {
	f.note("mirror:" + string(live))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status = deploy.MirrorStatus{State: deploy.MirrorOff, Fenced: f.status.Fenced}
	if live != "" {
		f.status.State, f.status.From, f.status.To = deploy.MirrorInStep, live, live.Other()
	}
}

func (f *fakeData) Adopt(from deploy.Slice) { f.note("adopt:" + string(from)) }

func (f *fakeData) LookOut(standby deploy.Slice) { f.note("lookout:" + string(standby)) }

func (f *fakeData) Fence(slice deploy.Slice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fenced = slice
}

// isFenced is the slice that was to be fenced last.
func (f *fakeData) isFenced() deploy.Slice {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fenced
}

func (f *fakeData) Rest(reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rests = append(f.rests, reason)
}

// resting is the reason that was given last.
func (f *fakeData) resting() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.rests) == 0 {
		return ""
	}
	return f.rests[len(f.rests)-1]
}

func (f *fakeData) Mirrored() deploy.MirrorStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

// stray makes the app of a slice write a selected key.
func (f *fakeData) stray(s deploy.Slice, key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Strays = &deploy.Strays{Slice: s, Count: 1, Keys: []string{key}}
}

func (f *fakeData) Open(ctx context.Context, s deploy.Slice) error {
	f.note("open:" + string(s))
	if f.open != nil {
		return f.open(ctx, s)
	}
	return nil
}

type fakeTransfer struct {
	data *fakeData
	from deploy.Slice
}

func (t *fakeTransfer) Copy(_ context.Context, progress func(deploy.CopyProgress)) (deploy.CopyReport, error) {
	t.data.note("copy")
	if t.data.copy != nil {
		return deploy.CopyReport{}, t.data.copy(t.from)
	}
	return deploy.CopyReport{Keys: 7, Bytes: 1500}, nil
}

func (t *fakeTransfer) Settle(context.Context) (deploy.CopyReport, error) {
	t.data.note("settle")
	if t.data.settle != nil {
		return deploy.CopyReport{}, t.data.settle(t.from)
	}
	return deploy.CopyReport{Keys: 1, Compared: 7}, nil
}

func (t *fakeTransfer) Turn(context.Context) ([]string, error) {
	t.data.note("turn")
	if t.data.turn != nil {
		return t.data.turn(t.from)
	}
	t.data.mu.Lock()
	defer t.data.mu.Unlock()
	s := &t.data.status
	s.Fenced = t.from
	if s.State == deploy.MirrorInStep {
		s.From, s.To = t.from.Other(), t.from
	}
	return nil, nil
}

func (t *fakeTransfer) Close() error { t.data.note("close"); return nil }

var errJournalFull = errors.New("database or disk is full")

// memoryJournal is a journal that forgets; store/ has the real one, tested there.
type memoryJournal struct {
	mu          sync.Mutex
	deployments []deploy.Deployment
	events      map[int64][]deploy.Event
	settings    map[string]string
	overtook    map[deploy.Commit]deploy.Commit
	full        bool
	writes      int // of records and events
}

func (j *memoryJournal) written() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.writes
}

func (j *memoryJournal) setFull(full bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.full = full
}

func newJournal() *memoryJournal {
	return &memoryJournal{events: map[int64][]deploy.Event{}, settings: map[string]string{}}
}

func (j *memoryJournal) Create(_ context.Context, d deploy.Deployment) (deploy.Deployment, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	d.ID = int64(len(j.deployments) + 1)
	j.deployments = append(j.deployments, d)
	return d, nil
}

func (j *memoryJournal) CreateForPush(ctx context.Context, d deploy.Deployment, p deploy.Push) (deploy.Deployment, bool, error) {
	j.mu.Lock()
	for _, old := range j.deployments {
		if old.Trigger.Delivery == p.Delivery {
			j.mu.Unlock()
			return old, true, nil
		}
	}
	j.mu.Unlock()
	stored, err := j.Create(ctx, d)
	return stored, false, err
}

func (j *memoryJournal) Overtook(_ context.Context, _, _ string, c deploy.Commit) (deploy.Commit, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.overtook[c], nil
}

func (j *memoryJournal) Save(_ context.Context, d deploy.Deployment) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.full {
		return errJournalFull
	}
	j.writes++
	j.deployments[d.ID-1] = d
	return nil
}

func (j *memoryJournal) Get(_ context.Context, id int64) (deploy.Deployment, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if id < 1 || id > int64(len(j.deployments)) {
		return deploy.Deployment{}, deploy.ErrUnknownDeployment
	}
	return j.deployments[id-1], nil
}

func (j *memoryJournal) List(_ context.Context, _ string, _ int) ([]deploy.Deployment, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var newestFirst []deploy.Deployment
	for i := len(j.deployments) - 1; i >= 0; i-- {
		newestFirst = append(newestFirst, j.deployments[i])
	}
	return newestFirst, nil
}

func (j *memoryJournal) Unfinished(context.Context, string) ([]deploy.Deployment, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.full {
		return nil, errJournalFull
	}
	var left []deploy.Deployment
	for _, d := range j.deployments {
		if !d.State.Ended() {
			left = append(left, d)
		}
	}
	return left, nil
}

func (j *memoryJournal) Setting(_ context.Context, app, name string) (string, bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.full {
		return "", false, errJournalFull
	}
	value, ok := j.settings[app+"/"+name]
	return value, ok, nil
}

func (j *memoryJournal) SetSetting(_ context.Context, app, name, value string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.full {
		return errJournalFull
	}
	j.settings[app+"/"+name] = value
	return nil
}

func (j *memoryJournal) Append(_ context.Context, events ...deploy.Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.writes++
	for _, e := range events {
		j.events[e.Deployment] = append(j.events[e.Deployment], e)
	}
	return nil
}

func (j *memoryJournal) Events(_ context.Context, id, after int64) ([]deploy.Event, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var rest []deploy.Event
	for _, e := range j.events[id] {
		if e.Seq > after {
			rest = append(rest, e)
		}
	}
	return rest, nil
}
