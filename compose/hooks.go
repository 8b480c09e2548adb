package compose

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
)

// hookAttributes are commands around the start and the stop of a container (Compose specification, "Using lifecycle
// hooks").
var hookAttributes = []attribute{
	{name: "post_start pre_stop", parts: "command user privileged working_dir environment", apply: mapHooks},
	{name: "pre_start", apply: mapPreStart}, // what is below it is a container of its own: judge looks at it as at a service
	{name: "pre_start.per_replica", refused: "Compose does not support it yet"},
}

// hooks are the commands that run in a container after each start of it and before each stop. They stand in a label of the
// container, since it is also stopped without its files, and started again when what was to replace it failed.
type hooks struct {
	PostStart []types.ServiceHook `json:"post_start,omitempty"`
	PreStop   []types.ServiceHook `json:"pre_stop,omitempty"`
}

func (h hooks) none() bool { return len(h.PostStart)+len(h.PreStop) == 0 }

func mapHooks(b *blueprint, s types.ServiceConfig) error {
	if h := hooksFor(s); !h.none() {
		text, err := json.Marshal(h)
		if err != nil {
			return fmt.Errorf("service %s: write its hooks: %w", s.Name, err)
		}
		b.Config.Labels[labelHooks] = string(text)
	}
	return nil
}

// hooksFor leaves the variables out that the container has anyway: what need not stand in a label stays out of it.
func hooksFor(s types.ServiceConfig) hooks {
	slim := func(list []types.ServiceHook) []types.ServiceHook {
		list = slices.Clone(list)
		for i, h := range list {
			list[i].Environment = maps.Clone(h.Environment)
			maps.DeleteFunc(list[i].Environment, func(name string, value *string) bool {
				own := s.Environment[name]
				return own != nil && value != nil && *own == *value
			})
		}
		return list
	}
	return hooks{slim(s.PostStart), slim(s.PreStop)}
}

// hookNotes tells who gives variables to a hook that they can be read in the container's labels.
func (p *project) hookNotes() (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		h := hooksFor(p.Services[name])
		if slices.ContainsFunc(slices.Concat(h.PostStart, h.PreStop), func(h types.ServiceHook) bool { return len(h.Environment) > 0 }) {
			lines = append(lines, fmt.Sprintf("note: service %s: the environment of its hooks stands in a label of the container; a secret belongs under secrets (%s)",
				name, p.whereIs("service", name, "environment")))
		}
	}
	return lines
}

// hooksOf reads the hooks from the labels of a container.
func hooksOf(labels map[string]string) (hooks, error) {
	var h hooks
	if labels[labelHooks] == "" {
		return h, nil
	}
	if err := json.Unmarshal([]byte(labels[labelHooks]), &h); err != nil {
		return h, fmt.Errorf("read label %s: %w", labelHooks, err)
	}
	return h, nil
}

// afterStart runs the post_start hooks of a container that has just been started, in their order. The first that fails is
// the error, with the last lines that it printed.
func (e *Engine) afterStart(ctx context.Context, m member, labels map[string]string, log deploy.Log) error {
	h, err := hooksOf(labels)
	for i := 0; err == nil && i < len(h.PostStart); i++ {
		err = e.runHook(ctx, m, fmt.Sprintf("post_start hook %d of container %s", i+1, m.name), h.PostStart[i], log)
	}
	return err
}

// beforeStop runs the pre_stop hooks of a running container. One that fails is told and keeps nobody from stopping;
// Compose gives the stop up there, and would leave the old release running.
func (e *Engine) beforeStop(ctx context.Context, c found, log deploy.Log) {
	h, err := hooksOf(c.labels)
	if len(h.PreStop) > 0 {
		late := fmt.Errorf("its pre_stop hooks did not end within %s", e.HookTimeout)
		bounded, cancel := context.WithTimeoutCause(ctx, e.HookTimeout, late)
		defer cancel()
		ctx = bounded
	}
	for i := 0; err == nil && i < len(h.PreStop); i++ {
		err = e.runHook(ctx, member{c.id, c.name}, fmt.Sprintf("pre_stop hook %d of container %s", i+1, c.name), h.PreStop[i], log)
	}
	if err != nil {
		log(fmt.Sprintf("warning: %v; the container is stopped all the same", err))
	}
}

// runHook runs one command in the container and tells what it prints.
func (e *Engine) runHook(ctx context.Context, m member, what string, h types.ServiceHook, log deploy.Log) error {
	last := newRing(lastLines)
	tell := func(line string) error {
		last.add(line)
		log(m.name + " -> " + line)
		return nil
	}
	out, errs := &lineSink{line: tell}, &lineSink{line: tell}
	status, err := e.exec(ctx, m.id, container.ExecOptions{
		Cmd: h.Command, User: h.User, Privileged: h.Privileged, WorkingDir: h.WorkingDir, Env: variables(h.Environment),
	}, out, errs)
	_, _ = out.flush(), errs.flush() // tell never fails
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	case err != nil:
		return &containerError{m.id, fmt.Errorf("%s: %w", what, e.explain(err))}
	case status != 0:
		return &deploy.LoggedError{Err: fmt.Errorf("%s exited with status %d", what, status), Lines: last.lines}
	}
	return nil
}

// variables writes NAME=value, and NAME alone for one without a value, in a steady order.
func variables(env types.MappingWithEquals) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if value := env[name]; value != nil {
			name += "=" + *value
		}
		list = append(list, name)
	}
	return list
}
