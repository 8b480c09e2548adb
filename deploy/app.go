package deploy

import "time"

// Promote says what a push does once its slice is ready.
type Promote string

// The ways of promotion.
const (
	PromoteAuto   Promote = "auto"   // the push moves the traffic too
	PromoteManual Promote = "manual" // the push stops before the cutover; a switch moves the traffic
)

// App is one application that verdigris manages: its name and what its runbooks need to know.
type App struct {
	Name string
	// Slices are the slices that the app has: Blue and Green, and Staging where there are compose files for it.
	Slices  []Slice
	Promote Promote
	// Branch is what a deploy without a commit takes the head of, e.g. "main".
	Branch string
	// Migrate names the compose service that is run once with the new image before the slice starts; empty for none.
	Migrate string
	Health  Health
	Smoke   []Check
	// HoldTimeout bounds how long requests wait at the gate; past it the cutover is called off.
	HoldTimeout time.Duration
	// DrainTimeout bounds the wait for requests that were accepted before the hold.
	DrainTimeout time.Duration
	// LingerTimeout bounds the wait for requests that stayed on a slice before its containers are replaced.
	LingerTimeout time.Duration
	Watch         Watch
	Timeouts      Timeouts
	// Mirroring keeps the standby's data in step with the live slice's, unless it was switched at run time.
	Mirroring bool
	// KeepReleases is how many releases' images and checkouts are kept, the live and the previous one included.
	KeepReleases int
}

// Health says how a slice proves that it is ready.
type Health struct {
	Path      string        // e.g. /health
	Status    int           // the status that means ready
	Timeout   time.Duration // of one request
	Interval  time.Duration // between requests
	Successes int           // how many in a row make the slice ready
	Deadline  time.Duration // of the whole phase
	// ReleasePath is a path whose answer contains the release, for an app that does not send ReleaseHeader; empty for none.
	ReleasePath string
}

// Check is one smoke request that must pass before traffic moves.
type Check struct {
	Name     string
	Method   string
	Path     string
	Headers  map[string]string
	Body     string
	Status   int    // the expected status
	Contains string // what the body must contain; empty for anything
}

// Watch says for how long a slice is looked at after it took the traffic, and what sends it back.
type Watch struct {
	Duration time.Duration // 0 leaves the phase out
	Interval time.Duration
	Failures int // how many failed requests in a row roll the deployment back
}

// Timeouts bound the phases that have no bound of their own.
type Timeouts struct {
	Fetch, Build, Migrate, Start, Copy time.Duration
}
