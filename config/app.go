package config

import (
	"verdigris/deploy"
)

// App is one application: where its commits come from, how it is run, and how traffic and data reach it.
type App struct {
	// Name is the key below apps. Dir is the folder of the file that the app stands in, absolute.
	Name string `yaml:"-"`
	Dir  string `yaml:"-"`

	Repository   Repository     `yaml:"repository"`
	Compose      Compose        `yaml:"compose"`
	Build        Build          `yaml:"build"`
	Web          Web            `yaml:"web"`
	Router       Router         `yaml:"router"`
	Data         *Data          `yaml:"data"`
	Webhook      Webhook        `yaml:"webhook"`
	Promote      deploy.Promote `yaml:"promote"`
	Migrate      string         `yaml:"migrate"`
	Health       Health         `yaml:"health"`
	Smoke        []Check        `yaml:"smoke"`
	Cutover      Cutover        `yaml:"cutover"`
	Watch        Watch          `yaml:"watch"`
	KeepReleases int            `yaml:"keep_releases"`
	Timeouts     Timeouts       `yaml:"timeouts"`
}

// Repository is the git repository whose commits are deployed.
type Repository struct {
	// URL is https://, ssh://, git@host:path, file:// or a folder; a relative folder is made absolute on loading.
	URL    string `yaml:"url"`
	Branch string `yaml:"branch"`
	// SSHKeyFile is a private key for ssh; the user's own keys when it is empty.
	SSHKeyFile     Path `yaml:"ssh_key_file"`
	KnownHostsFile Path `yaml:"known_hosts_file"`
	// Username and Token are for https; CAFile holds certificates to trust instead of the system's.
	Username string  `yaml:"username"`
	Token    *Secret `yaml:"token"`
	CAFile   Path    `yaml:"ca_file"`
}

// Compose names the compose files of an app.
type Compose struct {
	// Shared are files beside verdigris.yml: the services that both slices use.
	Shared []Path `yaml:"shared"`
	// Slices are files inside the checkout of a commit.
	Slices Slices `yaml:"slices"`
	// EnvFiles are beside verdigris.yml and set variables for interpolation; they go before the checkout's own .env.
	EnvFiles []Path   `yaml:"env_files"`
	Profiles []string `yaml:"profiles"`
}

// Build says what the builds of the app's images are given.
type Build struct {
	// CABundle holds certificates in PEM, which every build by BuildKit is offered as the secret ca-bundle.
	CABundle Path `yaml:"ca_bundle"`
}

// Slices are the compose files of each slice.
type Slices struct {
	Blue    []string `yaml:"blue"`
	Green   []string `yaml:"green"`
	Staging []string `yaml:"staging"`
}

// Of returns the compose files of one slice; none when the app does not have it.
func (s Slices) Of(slice deploy.Slice) []string {
	switch slice {
	case deploy.Blue:
		return s.Blue
	case deploy.Green:
		return s.Green
	case deploy.Staging:
		return s.Staging
	}
	return nil
}

// The ways in which the router reaches a slice's web service.
const (
	AddressContainer = "container" // the container's own address on a network that the router is on
	AddressHost      = "host"      // the port that the container publishes on 127.0.0.1
)

// Web says which service takes requests, and where.
type Web struct {
	Service string `yaml:"service"`
	// Port is for all slices; Ports for one each.
	Port    int    `yaml:"port"`
	Ports   Ports  `yaml:"ports"`
	Address string `yaml:"address"`
}

// Ports gives each slice a port of its own; 0 means Web.Port.
type Ports struct {
	Blue    int `yaml:"blue"`
	Green   int `yaml:"green"`
	Staging int `yaml:"staging"`
}

// PortOf returns the port of one slice; 0 when none is set.
func (w Web) PortOf(slice deploy.Slice) int {
	own := map[deploy.Slice]int{deploy.Blue: w.Ports.Blue, deploy.Green: w.Ports.Green, deploy.Staging: w.Ports.Staging}
	if p := own[slice]; p != 0 {
		return p
	}
	return w.Port
}

// Slices lists the slices that the app has: blue, green and, where it has compose files, staging.
func (a *App) Slices() []deploy.Slice {
	list := []deploy.Slice{deploy.Blue, deploy.Green}
	if len(a.Compose.Slices.Staging) > 0 {
		list = append(list, deploy.Staging)
	}
	return list
}
