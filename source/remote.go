package source

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"verdigris/deploy"
)

// Remote says where the repository is and how verdigris shows that it may read it.
type Remote struct {
	// URL is https://host/path, ssh://user@host/path, user@host:path, file:///path or an absolute path. http:// works
	// too, and carries a token to this machine only. A user and password in an https URL become Username and Token.
	URL string
	// Branch is fetched where a server does not hand out single commits; empty for every branch and tag.
	Branch string
	// KeyFile is the private key for ssh. With one, the user's own ssh configuration, keys and agent are left out.
	KeyFile string
	// KnownHostsFile holds the host keys that ssh trusts; the user's and the system's own when empty.
	KnownHostsFile string
	// Username and Token are for https. Most forges take any name beside a token; "git" when empty.
	Username string
	Token    func() (string, error)
	// CAFile holds certificates, in PEM, that https trusts instead of the system's.
	CAFile string
}

// The transports that git may use, named as GIT_ALLOW_PROTOCOL names them.
const (
	protocolHTTPS = "https"
	protocolHTTP  = "http"
	protocolSSH   = "ssh"
	protocolFile  = "file"
)

// endpoint is a Remote's URL taken apart and made harmless: url has no secret in it and cannot be an option.
type endpoint struct {
	url      string
	protocol string
	host     string // host or host:port; empty for files
	path     string // for files: absolute and clean
}

// scpURL is git's short form for ssh: user@host:path, or host:path.
var scpURL = regexp.MustCompile(`^(?:[A-Za-z0-9_][\w.+-]*@)?([A-Za-z0-9][\w.-]*):([^:].*)$`)

// parse checks the remote and moves a name and password out of its URL, where they would show in process lists.
func (r *Remote) parse() (endpoint, error) {
	switch {
	case r.URL == "" || strings.ContainsFunc(r.URL, unicode.IsControl):
		return endpoint{}, &deploy.InputError{Reason: "the repository's url is empty or malformed"}
	case filepath.IsAbs(r.URL):
		path := filepath.Clean(r.URL)
		return endpoint{url: path, protocol: protocolFile, path: path}, nil
	case strings.Contains(r.URL, "://"):
		return r.parseURL()
	}
	if m := scpURL.FindStringSubmatch(r.URL); m != nil {
		return endpoint{url: r.URL, protocol: protocolSSH, host: m[1]}, nil
	}
	return endpoint{}, unsupported(r.URL)
}

func (r *Remote) parseURL() (endpoint, error) {
	u, err := url.Parse(r.URL)
	if err != nil { // not wrapped: the error repeats the url, and the url may hold a password
		return endpoint{}, &deploy.InputError{Reason: "the repository's url is malformed"}
	}
	if u.Scheme == protocolFile {
		if u.Host != "" && u.Host != "localhost" || !filepath.IsAbs(u.Path) {
			return endpoint{}, unsupported(r.URL)
		}
		path := filepath.Clean(u.Path)
		return endpoint{url: path, protocol: protocolFile, path: path}, nil
	}
	if u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-") {
		return endpoint{}, unsupported(r.URL)
	}
	password, hasPassword := u.User.Password()
	switch u.Scheme {
	case protocolHTTPS, protocolHTTP:
		r.takeUserinfo(u.User.Username(), password)
		u.User = nil
	case protocolSSH:
		if hasPassword || strings.HasPrefix(u.User.Username(), "-") {
			return endpoint{}, &deploy.InputError{Reason: "the repository's url has a password: ssh takes a key instead"}
		}
	default:
		return endpoint{}, unsupported(r.URL)
	}
	if u.Scheme == protocolHTTP && r.Token != nil && !loopback(u.Hostname()) {
		return endpoint{}, &deploy.InputError{Reason: "a token is not sent over http://, where anybody could read it: use https://"}
	}
	return endpoint{url: u.String(), protocol: u.Scheme, host: u.Host}, nil
}

// takeUserinfo reads https://token@host as forges write it: a name alone is the token.
func (r *Remote) takeUserinfo(name, password string) {
	if name == "" && password == "" || r.Token != nil {
		return
	}
	if password == "" {
		name, password = "", name
	}
	r.Username = name
	r.Token = func() (string, error) { return password, nil }
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func unsupported(raw string) error {
	return &deploy.InputError{Reason: fmt.Sprintf("the repository's url %q is none that is supported: "+
		"use https://host/path, ssh://user@host/path, user@host:path or an absolute path", redactURL(raw))}
}

var userinfo = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/@\s]*@`)

// redactURL hides names and passwords in URLs, wherever in the text they stand.
func redactURL(text string) string { return userinfo.ReplaceAllString(text, "${1}***@") }
