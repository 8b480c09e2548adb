package compose

import (
	"maps"
	"slices"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/strslice"
)

// processAttributes say what runs in the container and how it starts and stops.
var processAttributes = []attribute{
	{name: "command entrypoint", apply: mapCommand},
	{name: "environment", apply: mapEnvironment},
	{name: "user working_dir hostname domainname tty stdin_open", apply: mapProcess},
	{name: "init", apply: mapInit},
	{name: "stop_signal stop_grace_period", apply: mapStop},
	{name: "restart", apply: mapRestart},
	{name: "deploy.restart_policy", parts: "condition max_attempts", apply: mapRestartPolicy, values: "`max_attempts` with `on-failure` alone"},
	{name: "deploy.restart_policy.delay deploy.restart_policy.window", ignored: "the Docker Engine times restarts by itself, and Compose ignores it too"},
	{name: "labels", apply: mapLabels},
	{name: "annotations", since: "1.43", apply: mapAnnotations},
	{name: "logging", parts: "driver options", apply: mapLogging},
	{name: "umask", refused: "the Docker Engine cannot set one, and Compose would drop it without a word"},
}

func mapCommand(b *blueprint, s types.ServiceConfig) error {
	b.Config.Cmd = strslice.StrSlice(s.Command)
	b.Config.Entrypoint = strslice.StrSlice(s.Entrypoint)
	return nil
}

// mapEnvironment sets the service's variables, those of verdigris and those of the machine's proxies; a variable without
// a value is taken out of what the image sets.
func mapEnvironment(b *blueprint, s types.ServiceConfig) error {
	env := maps.Clone(b.project.injected)
	if env == nil {
		env = map[string]string{}
	}
	for name, value := range b.project.proxies {
		env[name] = *value
	}
	var bare []string
	for name, value := range s.Environment {
		delete(env, name)
		if value == nil {
			bare = append(bare, name)
			continue
		}
		env[name] = *value
	}
	for name, value := range env {
		bare = append(bare, name+"="+value)
	}
	slices.Sort(bare)
	b.Config.Env = bare
	return nil
}

func mapProcess(b *blueprint, s types.ServiceConfig) error {
	b.Config.User = s.User
	b.Config.WorkingDir = s.WorkingDir
	b.Config.Hostname = s.Hostname
	b.Config.Domainname = s.DomainName
	b.Config.Tty = s.Tty
	b.Config.OpenStdin = s.StdinOpen
	b.Config.AttachStdout = true
	b.Config.AttachStderr = true
	return nil
}

func mapInit(b *blueprint, s types.ServiceConfig) error {
	b.Host.Init = s.Init
	return nil
}

// mapStop counts the grace in whole seconds, what is over left out, as Compose does: the Engine knows no others.
func mapStop(b *blueprint, s types.ServiceConfig) error {
	b.Config.StopSignal = s.StopSignal
	if s.StopGracePeriod != nil {
		seconds := int(time.Duration(*s.StopGracePeriod).Seconds())
		b.Config.StopTimeout = &seconds
	}
	return nil
}

func mapLabels(b *blueprint, s types.ServiceConfig) error {
	maps.Copy(b.Config.Labels, s.Labels)
	return nil
}

// mapAnnotations passes on what the container's runtime is told.
func mapAnnotations(b *blueprint, s types.ServiceConfig) error {
	b.Host.Annotations = s.Annotations
	return nil
}

func mapLogging(b *blueprint, s types.ServiceConfig) error {
	if s.Logging != nil {
		b.Host.LogConfig = container.LogConfig{Type: s.Logging.Driver, Config: s.Logging.Options}
	}
	return nil
}
