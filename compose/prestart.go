package compose

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
)

// The labels of Compose on a container that runs a pre_start hook.
const (
	labelHook      = "com.docker.compose.hook"
	labelHookIndex = "com.docker.compose.hook-index"
)

// mapPreStart makes the hooks a part of the container's configuration, but for what changes with every release though the
// hook does not.
func mapPreStart(b *blueprint, s types.ServiceConfig) error {
	for _, h := range s.PreStart {
		spec := h.ContainerSpec
		if spec.Image == s.Image {
			spec.Image = ""
		}
		spec.Environment = maps.Clone(spec.Environment)
		maps.DeleteFunc(spec.Environment, func(name string, value *string) bool {
			injected, ok := b.project.injected[name]
			return ok && value != nil && *value == injected
		})
		b.PreStart = append(b.PreStart, spec)
	}
	return nil
}

// foreignImages are the images of the service's pre_start hooks that are not the service's own.
func foreignImages(s types.ServiceConfig) []types.ServiceConfig {
	var list []types.ServiceConfig
	for _, h := range s.PreStart {
		if h.Image != "" && h.Image != s.Image {
			list = append(list, types.ServiceConfig{Name: s.Name, ContainerSpec: h.ContainerSpec})
		}
	}
	return list
}

// preStart runs the service's pre_start hooks, each as a container of its own that sees the volumes of the service's first
// container. As in Compose they run once for the service, and only when none of its containers runs.
func (x *execution) preStart(ctx context.Context, sp servicePlan) error {
	first, ok := sp.first()
	if !ok {
		return nil
	}
	for i := range sp.service.PreStart {
		b, err := x.hookBlueprint(sp.service, i, x.imageOf(first))
		if err != nil {
			return err
		}
		b.Host.VolumesFrom = append(b.Host.VolumesFrom, x.memberOf(first).id)
		x.log("run " + b.Name)
		id, err := x.runToEnd(ctx, b, func(line string, _ ...deploy.Step) { x.log(b.Name + " -> " + line) })
		if err != nil {
			return err
		}
		if err := x.engine.discard(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// first returns the action on the service's first container, if all of them are started by this plan.
func (sp servicePlan) first() (first action, all bool) {
	for _, a := range sp.actions {
		switch {
		case a.verb == keep:
			return a, false
		case a.verb != remove && !all:
			first, all = a, true
		}
	}
	return first, all
}

func (x *execution) imageOf(a action) string {
	if a.blueprint != nil {
		return a.blueprint.Config.Image
	}
	return a.old.imageID
}

// hookBlueprint maps a hook as a service of its own: compose-go has completed it with what the service says.
func (x *execution) hookBlueprint(s types.ServiceConfig, index int, image string) (*blueprint, error) {
	p := x.plan.project
	spec := types.ServiceConfig{Name: s.Name, ContainerSpec: s.PreStart[index].ContainerSpec}
	spec.ContainerName = fmt.Sprintf("%s-%s-pre_start-%d", p.Name, s.Name, index)
	b, err := p.blueprint(resolve(spec, x.firstContainers()), 1)
	if err != nil {
		return nil, err
	}
	b.Config.Image = image
	if spec.Image != "" && spec.Image != s.Image {
		b.Config.Image = spec.Image
	}
	maps.Copy(b.Config.Labels, map[string]string{
		labelProject: p.Name, labelService: s.Name, labelVersion: composeVersion,
		labelHook: "pre_start", labelHookIndex: strconv.Itoa(index),
	})
	maps.Copy(b.Config.Labels, p.ownLabels())
	return b, nil
}
