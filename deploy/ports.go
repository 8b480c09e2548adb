package deploy

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Source brings commits of one app's repository onto disk.
type Source interface {
	// Resolve names the commit at the head of a branch or tag. It returns ErrUnknownRef when there is none.
	Resolve(ctx context.Context, ref string) (Commit, error)
	// Fetch brings exactly that commit onto disk; doing so twice is harmless. It returns ErrUnknownCommit when
	// the repository does not have it.
	Fetch(ctx context.Context, commit Commit, log Log) (Checkout, error)
	// Prune removes the checkouts of all commits but those to keep.
	Prune(ctx context.Context, keep []Commit) error
}

// Checkout is one commit's files on disk.
type Checkout struct {
	Dir     string // absolute
	Subject string // first line of the commit message
}

// Runtime runs the slices of one app on a container engine.
type Runtime interface {
	// Check loads the slice's compose files from rel.Dir and refuses what cannot be done, before anything is touched.
	Check(ctx context.Context, slice Slice, rel Release) error
	// Build builds or finds the images of the slice and returns the release with Images and Digests filled. With fresh,
	// nothing is taken from the build cache.
	Build(ctx context.Context, slice Slice, rel Release, fresh bool, log Log) (Release, error)
	// RunJob runs the service once to its end, with the new images. A status other than 0 is an error.
	RunJob(ctx context.Context, slice Slice, rel Release, service string, log Log) error
	// Start makes the slice run the release. What it replaces or removes is stopped and set aside, until Discard or Revert.
	// If it fails, the slice is again as it was.
	Start(ctx context.Context, slice Slice, rel Release, log Log) error
	// Ways says where the router and the slice's running web containers could meet, for an error that explains why they do
	// not.
	Ways(ctx context.Context, slice Slice) ([]Way, error)
	// Attach makes the networks by which the router reaches the production slices and joins to them whoever belongs there.
	// It restarts nothing, and does nothing where all is as it should be, so that it may be called at any time.
	Attach(ctx context.Context, log Log) error
	// Discard removes what was set aside on the slice: the release that has taken its place is to stay.
	Discard(ctx context.Context, slice Slice, log Log) error
	// Revert undoes the start of a deployment on the slice, also one that was cut off: what it made is removed, and what it
	// set aside comes back as it was. A slice that the deployment has not touched stays as it is.
	Revert(ctx context.Context, slice Slice, deployment int64, log Log) error
	// Stop stops the containers of the slice and removes them; volumes stay.
	Stop(ctx context.Context, slice Slice, log Log) error
	// Observe says how the slice stands now. A slice that does not exist has no containers.
	Observe(ctx context.Context, slice Slice) (SliceStatus, error)
	// Watch calls changed whenever something may have changed about the app's containers, its shared ones included: one has
	// started, died, changed its health or its networks. It calls it as well when it begins to see such changes, and each
	// time that it sees them again after a break. It returns when ctx ends; changed must not block.
	Watch(ctx context.Context, changed func())
	// Logs writes the slice's container logs to w until the end, or until ctx ends when following.
	Logs(ctx context.Context, slice Slice, opts LogOptions, w io.Writer) error
	// Prune removes the images of releases other than those to keep and returns how many.
	Prune(ctx context.Context, keep []Commit) (int, error)
	// StartWorkers starts the slice's workers, which Start creates and leaves alone, and returns how many it started.
	StartWorkers(ctx context.Context, slice Slice, log Log) (int, error)
	// StopWorkers stops the slice's workers, each within its grace, and returns how many it stopped. They stay, to be
	// started again.
	StopWorkers(ctx context.Context, slice Slice, log Log) (int, error)
}

// LogOptions choose what Runtime.Logs writes.
type LogOptions struct {
	Follow     bool
	Tail       int // lines of each container; 0 for all
	Since      time.Time
	Services   []string // none for all
	Timestamps bool
}

// SliceStatus is what the engine says about a slice.
type SliceStatus struct {
	Slice Slice `json:"slice"`
	// Commit is the release that the web service's running containers carry; empty where none runs, and where they do not
	// carry the same one.
	Commit     Commit            `json:"commit,omitempty"`
	Containers []ContainerStatus `json:"containers"`
	// SetAside are the containers that a start has stopped to put others in their place, and that may still come back.
	SetAside []ContainerStatus `json:"set_aside,omitempty"`
	// Endpoints are where the web service's running containers answer, whatever the engine thinks of their health.
	Endpoints []Endpoint `json:"endpoints"`
}

// Running reports whether the slice has at least one endpoint that requests could be sent to.
func (s SliceStatus) Running() bool { return len(s.Endpoints) > 0 }

// ContainerStatus is one container of a slice.
type ContainerStatus struct {
	Name    string `json:"name"`
	ID      string `json:"id,omitempty"` // the engine's, its first twelve digits
	Service string `json:"service"`
	Image   string `json:"image"`
	// Commit is the release that the container was made for.
	Commit   Commit `json:"commit,omitempty"`
	State    string `json:"state"`            // running, exited, restarting, ...
	Health   string `json:"health,omitempty"` // healthy, unhealthy, starting; empty without a healthcheck
	ExitCode int    `json:"exit_code,omitempty"`
	Restarts int    `json:"restarts,omitempty"`
	// Worker tells that the service is labelled verdigris.role: worker, and so runs on the live slice alone.
	Worker bool `json:"worker,omitempty"`
}

// Endpoint is one container's address as the router reaches it.
type Endpoint struct {
	Container string `json:"container"`
	Address   string `json:"address"` // host:port
}

// Route says where production traffic goes.
type Route struct {
	Slice     Slice      `json:"slice"`
	Commit    Commit     `json:"commit,omitempty"`
	Endpoints []Endpoint `json:"endpoints"`
	// Previous is the slice that was live before; empty when there was none.
	Previous Slice `json:"previous,omitempty"`
	// PreviousCommit is the release that Previous ran when it was left, so that a rollback never lands on another one.
	PreviousCommit Commit `json:"previous_commit,omitempty"`
	// Generation counts the router's configurations; the router itself sets it.
	Generation uint64 `json:"generation"`
}

// Answer is what a router says of itself.
type Answer struct {
	// Slice is where it sends requests; empty where it has nothing to send them to.
	Slice Slice
	// Generation is the number of the configuration that it has in use; Loaded reports whether that is the one in its files.
	Generation uint64
	Loaded     bool
}

// Reply is the answer to a request that went the way of users' requests.
type Reply struct {
	Status int
	// Slice is what the router says of where it went, which is what its configuration means.
	Slice Slice
	// Release is what the app says of itself in ReleaseHeader; empty where it says nothing.
	Release string
	Body    []byte // its first 64 KiB
}

// ReleaseHeader is the header of a response by which an app tells which release it is: its VERDIGRIS_RELEASE.
const ReleaseHeader = "X-Verdigris-Release"

// Router sends production traffic to one slice.
type Router interface {
	// Current reads the route from the router's own configuration, which is the truth about which slice is live.
	// A zero Route (no Slice) means that nothing is live yet.
	Current(ctx context.Context) (Route, error)
	// Apply routes all traffic to r without holding requests: for the first deployment, and to follow containers
	// whose address changed. On error the configuration before it is back in force.
	Apply(ctx context.Context, r Route) error
	// Ask asks the router itself, in use, where it sends requests. It returns ErrCannotAsk for one that has no way to say.
	Ask(ctx context.Context) (Answer, error)
	// Hold makes new requests wait at the gate until Release. On error nothing waits and traffic goes on as before.
	Hold(ctx context.Context, next Route) (Hold, error)
	// Get requests path through the whole way that users' requests take.
	Get(ctx context.Context, path string) (Reply, error)
	// RoundTrip makes a request of a container, whose address is the URL's host, from where the router is: what answers
	// is what the router would reach. Without a connection the error is an UnreachedError; where the router itself does not
	// answer, a RouterError.
	RoundTrip(request *http.Request) (*http.Response, error)
	// Staying returns how many requests, and how many streams (websockets and server-sent events), are on the slice since before
	// the traffic left it, as far as the router knows of them: none where it cannot tell.
	Staying(ctx context.Context, slice Slice) (requests, streams int, err error)
	// InFlight returns how many requests the router is serving now, websockets included; -1 where it cannot tell.
	InFlight(ctx context.Context) (int, error)
}

// Hold is a cutover in progress: requests wait until Release or Abort, one of which must be called.
type Hold interface {
	// Drain waits until the requests that were accepted before the hold have ended or the timeout has passed. For
	// streams, which are websockets and server-sent events, it does not wait. It returns how many requests, streams
	// included, stay on the old slice until they end.
	Drain(ctx context.Context, timeout time.Duration) (left int, err error)
	// Route makes the next route the live one. It is the point of no return. On error the old route is back in
	// force and requests still wait, long enough to carry data back; ErrRouteRefused says that the next route was
	// never in force at all, or that requests never waited, so that there is nothing to carry back.
	Route(ctx context.Context) error
	// Release lets the waiting requests go to the slice that is now live.
	Release(ctx context.Context) error
	// Abort lets the waiting requests go to the slice that was live and restores its configuration.
	Abort(ctx context.Context) error
	// Waited returns how many requests have waited so far, and the longest wait that is over.
	Waited() (held int, longest time.Duration)
}

// Data moves an app's data between the two production slices, and keeps the standby's in step. An app without data has
// none.
type Data interface {
	// Begin connects to both sides and checks that a copy can succeed, without changing anything. Where a mirror runs
	// from the one to the other, the transfer takes it over until it is closed.
	Begin(ctx context.Context, from, to Slice) (Transfer, error)
	// Estimate says what a transfer that began now would have to copy.
	Estimate(ctx context.Context, from, to Slice) (CopyEstimate, error)
	// Mirror keeps the standby of live in step with it from now on, in the background and in the place of any mirror
	// before, and returns at once. A mirror of that direction goes on as it is. An empty slice ends it.
	Mirror(live Slice)
	// Adopt settles whose data is the right one after the live redis came back with less than it had, and has the mirror begin
	// anew from there. It returns at once.
	Adopt(from Slice)
	// LookOut tells in Mirrored of writes to a slice that is not live, in the background, while there is no mirror to
	// take them back. An empty slice ends it.
	LookOut(standby Slice)
	// Fence keeps the app of a slice that the traffic has left from writing to its data, in the background, until Open.
	Fence(slice Slice)
	// Rest keeps the mirror from writing, for a reason that Mirrored tells, until it is called without one. It returns at
	// once.
	Rest(reason string)
	// Mirrored says how the mirror stands.
	Mirrored() MirrorStatus
	// Open lets the slice's own app write to its data again, should a cutover have fenced it.
	Open(ctx context.Context, slice Slice) error
}

// Transfer is one movement of the selected keys from one slice to the other. Close must be called.
type Transfer interface {
	// Copy brings the selected keys over while traffic goes on. It may be repeated.
	Copy(ctx context.Context, progress func(CopyProgress)) (CopyReport, error)
	// Settle brings over what changed since and makes sure that both sides are equal; nothing may write to the source
	// meanwhile. From then on the target is the app's to write. It returns ErrDataDiffers when the sides are not equal in
	// the end.
	Settle(ctx context.Context) (CopyReport, error)
	// Turn follows the traffic: the target is live now. The source is fenced against late writes, unless that is switched
	// off, and a mirror turns round. It returns the selected keys that were written on the source since Settle.
	Turn(ctx context.Context) (late []string, err error)
	// Close ends the transfer. A mirror that it took over goes on.
	Close() error
}

// CopyEstimate says how much a transfer has to copy.
type CopyEstimate struct {
	Keys  int64 `json:"keys"`
	Bytes int64 `json:"bytes"` // as the source's memory counts them, or of its replication stream with a mirror in step
}

// CopyProgress says how far a copy is.
type CopyProgress struct {
	Keys, KeysTotal int64
	Bytes           int64
}

// CopyReport says what a copy did.
type CopyReport struct {
	Keys     int64         `json:"keys"`    // copied
	Bytes    int64         `json:"bytes"`   // of payload
	Removed  int64         `json:"removed"` // deleted on the target because the source does not have them
	Compared int64         `json:"compared"`
	Mirrored bool          `json:"mirrored,omitempty"` // a mirror has copied all there is, and compared what it touched last
	Took     time.Duration `json:"took"`
	// Kept is what it would have gone over on a target that its app could write to; nil for nothing.
	Kept *Kept `json:"kept,omitempty"`
}

// Journal remembers deployments, phases, events and deliveries.
type Journal interface {
	// Create stores a new deployment and returns it with its ID.
	Create(ctx context.Context, d Deployment) (Deployment, error)
	// CreateForPush does the same for a push, and records its delivery, in one transaction. When the delivery is
	// known and its deployment has come further than to be aborted or superseded, or the newest deployment of the app that is
	// queued, is running or has gone live by a push has the same commit, nothing is created and the deployment there is comes
	// back with duplicate true. A known delivery whose deployment was aborted a moment ago is a TooSoonError.
	CreateForPush(ctx context.Context, d Deployment, p Push) (stored Deployment, duplicate bool, err error)
	// Overtook returns the commit of a push to the ref that came from this commit, empty for none and where a later push has
	// gone back to it.
	Overtook(ctx context.Context, app, ref string, commit Commit) (Commit, error)
	// Save replaces what is stored about the deployment, phases included.
	Save(ctx context.Context, d Deployment) error
	// Get returns ErrUnknownDeployment when there is none.
	Get(ctx context.Context, id int64) (Deployment, error)
	// List returns the newest deployments of the app first; limit 0 means 50.
	List(ctx context.Context, app string, limit int) ([]Deployment, error)
	// Unfinished returns the deployments of the app that are queued or running, oldest first.
	Unfinished(ctx context.Context, app string) ([]Deployment, error)
	// Append stores events, all or none.
	Append(ctx context.Context, events ...Event) error
	// Events returns the events of a deployment with a Seq greater than after, in order.
	Events(ctx context.Context, id, after int64) ([]Event, error)
	// Setting returns what was last set for the app under that name; ok is false where nothing was.
	Setting(ctx context.Context, app, name string) (value string, ok bool, err error)
	// SetSetting keeps a value of the app under that name.
	SetSetting(ctx context.Context, app, name, value string) error
}
