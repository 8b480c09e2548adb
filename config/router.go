package config

// The kinds of routers.
const (
	RouterNginx = "nginx" // edge and router containers whose whole configuration verdigris writes
	RouterFile  = "file"  // one include file of an nginx that somebody else looks after
)

// The formats of a router file.
const (
	FormatServer   = "server"   // server lines, to be included inside an upstream block
	FormatUpstream = "upstream" // a whole upstream block
)

// Router says what sends production traffic to the live slice.
type Router struct {
	Kind string `yaml:"kind"`

	// For kind nginx: the compose services of the shared file that run the router and the edge.
	Service string `yaml:"service"`
	Edge    Edge   `yaml:"edge"`

	// For kind file: the include file, what to write into it, and how nginx takes it up: with the commands
	// Test and Reload, or in the container of a service of the shared file.
	File      Path     `yaml:"file"`
	Format    string   `yaml:"format"`
	Upstream  string   `yaml:"upstream"`
	Test      []string `yaml:"test"`
	Reload    []string `yaml:"reload"`
	Container string   `yaml:"container"`
	// URL is where the site answers, for the check after a cutover.
	URL string `yaml:"url"`
}

// Edge is the nginx that owns the clients' connections.
type Edge struct {
	Service string `yaml:"service"`
	// Listen are the ports inside its container that speak plain HTTP.
	Listen []int `yaml:"listen"`
	// URL is where verdigris itself reaches the edge.
	URL string `yaml:"url"`
	TLS *TLS   `yaml:"tls"`
}

// TLS says where the edge speaks HTTPS: ports, certificate and key, as they are inside its container.
type TLS struct {
	Listen      []int  `yaml:"listen"`
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}
