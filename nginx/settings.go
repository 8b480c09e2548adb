package nginx

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
)

// Where the containers of the edge and the router see the two directories.
const (
	ContainerConfDir = "/etc/verdigris"
	ContainerRunDir  = "/run/verdigris"
)

// Settings say which app's nginx this is, where its files are and how the edge listens.
type Settings struct {
	App string
	// ConfDir and RunDir are the directories of the configuration and of the sockets, as verdigris sees them.
	ConfDir, RunDir string
	// NginxConfDir and NginxRunDir are the same two as the nginx processes see them; empty means the same paths.
	NginxConfDir, NginxRunDir string
	// TempDir is where the nginx processes keep bodies that outgrow their buffers; empty means /tmp.
	TempDir string
	Edge    Edge
}

// Edge says how clients reach the app.
type Edge struct {
	Listen []Listen
	// Certificate and Key are PEM files as the edge sees them; needed where a Listen has TLS.
	Certificate, Key string
	// URL is how verdigris itself reaches the edge, e.g. http://127.0.0.1:8080.
	URL string
}

// Listen is one address on which the edge takes connections.
type Listen struct {
	// Address is a port, or host:port as nginx writes it.
	Address string
	// TLS speaks HTTPS there, with HTTP/2.
	TLS bool
}

// The files in the configuration directory, and the sockets in the run directory.
const (
	edgeFile     = "edge.conf"
	routerFile   = "router.conf"
	upstreamFile = "upstream.conf"
	adminSocket  = "router-admin.sock"
	liveSocket   = "router-live.sock"
	gateSocket   = "gate.sock"
)

// anyNextFile is under which names files of next routes waited before holds had signs.
const anyNextFile = "upstream.[0-9]*.conf"

// plain is what may stand in a configuration without quotes, and without meaning anything to nginx.
var (
	plain   = regexp.MustCompile(`^[^\s"'$;{}\\#]+$`)
	appName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)

func (s Settings) withDefaults() Settings {
	if s.NginxConfDir == "" {
		s.NginxConfDir = s.ConfDir
	}
	if s.NginxRunDir == "" {
		s.NginxRunDir = s.RunDir
	}
	if s.TempDir == "" {
		s.TempDir = "/tmp"
	}
	return s
}

func (s Settings) validate() error {
	if !appName.MatchString(s.App) {
		return fmt.Errorf("%q cannot be the name of an app: use letters, digits, dots, dashes and underscores", s.App)
	}
	if s.ConfDir == "" || s.RunDir == "" {
		return errors.New("the directories of the configuration and of the sockets must be given")
	}
	words := []string{s.NginxConfDir, s.NginxRunDir, s.TempDir}
	tls := false
	for _, l := range s.Edge.Listen {
		words = append(words, l.Address)
		tls = tls || l.TLS
	}
	if tls {
		if s.Edge.Certificate == "" || s.Edge.Key == "" {
			return errors.New("an edge with TLS needs a certificate and a key")
		}
		words = append(words, s.Edge.Certificate, s.Edge.Key)
	}
	for _, w := range words {
		if !plain.MatchString(w) {
			return fmt.Errorf("%q cannot stand in an nginx configuration: it is empty or has spaces, quotes or signs that nginx reads as its own", w)
		}
	}
	return nil
}

func (s Settings) conf(name string) string      { return filepath.Join(s.ConfDir, name) }
func (s Settings) run(name string) string       { return filepath.Join(s.RunDir, name) }
func (s Settings) nginxConf(name string) string { return s.NginxConfDir + "/" + name }
func (s Settings) nginxRun(name string) string  { return s.NginxRunDir + "/" + name }
