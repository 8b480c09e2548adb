package compose

import (
	"slices"
	"strings"
)

// proxies are the variables by which containers find the proxies that the Docker config file names for this engine.
// Docker Compose gives them to every container.
func (e *Engine) proxies() (map[string]*string, error) {
	logins, err := e.logins()
	if err != nil {
		return nil, err
	}
	return logins.file.ParseProxyConfig(e.client.DaemonHost(), nil), nil
}

// withoutProxies leaves out the variables of the proxies: other proxies do not make another configuration, as in Compose.
func (p *project) withoutProxies(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(variable string) bool {
		name, value, _ := strings.Cut(variable, "=")
		proxy := p.proxies[name]
		return proxy != nil && *proxy == value
	})
}
