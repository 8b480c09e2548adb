package config

// Webhook says which pushes are listened to.
type Webhook struct {
	GitHub *GitHub `yaml:"github"`
}

// GitHub is the receiver of GitHub's deliveries.
type GitHub struct {
	// Secrets are accepted side by side, so that one can take the other's place without a gap.
	Secrets []Secret `yaml:"secrets"`
	// Branches and Tags are globs of what is deployed; without either it is the repository's branch.
	Branches []string `yaml:"branches"`
	Tags     []string `yaml:"tags"`
	// Paths lets a push pass that touches one of them; IgnorePaths stops one that touches nothing else.
	Paths       []string `yaml:"paths"`
	IgnorePaths []string `yaml:"ignore_paths"`
}

// Health says how a slice proves that it is ready.
type Health struct {
	Path      string   `yaml:"path"`
	Status    int      `yaml:"status"`
	Timeout   Duration `yaml:"timeout"`
	Interval  Duration `yaml:"interval"`
	Successes int      `yaml:"successes"`
	Deadline  Duration `yaml:"deadline"`
	// ReleasePath is where the app says which release it is.
	ReleasePath string `yaml:"release_path"`
}

// Check is one request that must be answered as expected before traffic moves.
type Check struct {
	Name     string            `yaml:"name"`
	Method   string            `yaml:"method"`
	Path     string            `yaml:"path"`
	Headers  map[string]string `yaml:"headers"`
	Body     string            `yaml:"body"`
	Status   int               `yaml:"status"`
	Contains string            `yaml:"contains"`
}

// Cutover bounds the moment in which requests wait.
type Cutover struct {
	HoldTimeout  Duration `yaml:"hold_timeout"`
	DrainTimeout Duration `yaml:"drain_timeout"`
	// LingerTimeout is how long the next release on the slice waits for what stayed there.
	LingerTimeout Duration `yaml:"linger_timeout"`
	MaxHeld       int      `yaml:"max_held"`
}

// Watch looks at a slice after it took the traffic.
type Watch struct {
	Duration Duration `yaml:"duration"`
	Interval Duration `yaml:"interval"`
	Failures int      `yaml:"failures"`
}

// Timeouts bound the phases that have no bound of their own.
type Timeouts struct {
	Fetch   Duration `yaml:"fetch"`
	Build   Duration `yaml:"build"`
	Migrate Duration `yaml:"migrate"`
	Start   Duration `yaml:"start"`
	Copy    Duration `yaml:"copy"`
}
