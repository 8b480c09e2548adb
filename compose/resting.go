package compose

import (
	"context"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
)

// A worker that does not run must not be started by the Engine either: when it starts itself, it starts what has the
// restart policy always even where a person had stopped it, and on-failure where the stop took a signal. A worker
// therefore has its policy only while it is meant to run; a label keeps it meanwhile.

// labelRestart is the restart policy that the compose file wants for a worker, e.g. on-failure:3.
const labelRestart = "verdigris.restart"

// rest moves the restart policy of the blueprint into its label.
func (b *blueprint) rest() {
	if text := writePolicy(b.Host.RestartPolicy, ":"); text != "" {
		b.Config.Labels[labelRestart] = text
		b.Host.RestartPolicy = container.RestartPolicy{}
	}
}

// writePolicy writes a restart policy as its name and, after the separator, the number of attempts where they are counted;
// none is empty.
func writePolicy(p container.RestartPolicy, separator string) string {
	switch {
	case p.IsNone():
		return ""
	case p.MaximumRetryCount > 0:
		return string(p.Name) + separator + strconv.Itoa(p.MaximumRetryCount)
	}
	return string(p.Name)
}

// readPolicy is the reverse of writePolicy.
func readPolicy(text, separator string) container.RestartPolicy {
	name, count, _ := strings.Cut(text, separator)
	attempts, _ := strconv.Atoi(count) // none where there is no count
	return container.RestartPolicy{Name: container.RestartPolicyMode(name), MaximumRetryCount: attempts}
}

// rest takes the restart policy from a container that is to stay stopped.
func (e *Engine) rest(ctx context.Context, c found) error {
	if c.labels[labelRestart] == "" {
		return nil
	}
	return e.setRestart(ctx, member{c.id, c.name}, container.RestartPolicy{Name: container.RestartPolicyDisabled})
}

// wake gives a container the restart policy that its labels keep for it.
func (e *Engine) wake(ctx context.Context, m member, labels map[string]string) error {
	if labels[labelRestart] == "" {
		return nil
	}
	return e.setRestart(ctx, m, readPolicy(labels[labelRestart], ":"))
}

func (e *Engine) setRestart(ctx context.Context, m member, policy container.RestartPolicy) error {
	return e.do(ctx, "set the restart policy of container "+m.name, func(ctx context.Context) error {
		_, err := e.client.ContainerUpdate(ctx, m.id, container.UpdateConfig{RestartPolicy: policy})
		return gone(err)
	})
}
