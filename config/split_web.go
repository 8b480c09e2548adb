package config

import (
	"net"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"verdigris/deploy"
)

// findWeb chooses the service that answers requests: the first of the slice's that publishes a port, one that is
// built before one that is not.
func (s *splitter) findWeb() error {
	var chosen *yaml.Node
	for _, name := range s.inSlice {
		service := child(s.services, name)
		ports := child(service, "ports")
		if ports == nil || len(ports.Content) == 0 {
			continue
		}
		better := chosen != nil && child(chosen, "build") == nil && child(service, "build") != nil
		if chosen == nil || better {
			chosen, s.out.Web = service, name
		}
	}
	if chosen == nil {
		return &deploy.HintedError{
			Err:  &deploy.InputError{Reason: "cannot tell which service answers requests: no service that belongs to a slice publishes a port"},
			Next: "give the web service a `ports` entry, e.g. \"8080:80\", and try again",
		}
	}
	published := child(chosen, "ports").Content[0]
	s.out.Host = hostOf(published)
	s.out.Public, s.out.Port = portOf(published)
	if s.out.Port == 0 {
		return &deploy.InputError{Reason: "cannot read the ports of the service " + s.out.Web + ": write them like \"8080:80\""}
	}
	if s.out.Public == 0 {
		s.out.Public = 8080
	}
	s.out.Health = healthPath(chosen)
	return nil
}

var variable = regexp.MustCompile(`\$\{\w+:?-([^}]*)\}`)

// withDefault puts the default in the place of a variable that has one.
func withDefault(value string) string { return variable.ReplaceAllString(value, "$1") }

// portOf reads an entry of ports, in its short form ("127.0.0.1:8080:80/tcp") or its long one. What it cannot read is 0.
func portOf(entry *yaml.Node) (public, container int) {
	if target := child(entry, "target"); target != nil {
		if published := child(entry, "published"); published != nil {
			public = number(published.Value)
		}
		return public, number(target.Value)
	}
	value, _, _ := strings.Cut(withDefault(entry.Value), "/")
	parts := strings.Split(value, ":")
	if len(parts) > 1 {
		public = number(parts[len(parts)-2])
	}
	return public, number(parts[len(parts)-1])
}

// hostOf returns the address of the host that an entry of ports binds to, e.g. 127.0.0.1 or [::1]; empty for all.
func hostOf(entry *yaml.Node) string {
	host := ""
	if given := child(entry, "host_ip"); given != nil {
		host = withDefault(given.Value)
	} else if parts := strings.Split(withDefault(entry.Value), ":"); len(parts) > 2 {
		host = strings.Join(parts[:len(parts)-2], ":")
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	if ip == nil || ip.IsUnspecified() {
		return ""
	}
	if ip.To4() == nil {
		return "[" + ip.String() + "]"
	}
	return ip.String()
}

// number reads a port; of a range it is the first one.
func number(value string) int {
	value, _, _ = strings.Cut(withDefault(value), "-")
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 65535 {
		return 0
	}
	return n
}

var urlPath = regexp.MustCompile(`https?://[^/\s"']+(/[^\s"'|;&\]]*)`)

// healthPath looks for a URL in the command of a service's health check.
func healthPath(service *yaml.Node) string {
	test := child(child(service, "healthcheck"), "test")
	if test == nil {
		return ""
	}
	command := test.Value + " " + strings.Join(names(test), " ")
	if found := urlPath.FindStringSubmatch(command); found != nil {
		return found[1]
	}
	return ""
}
