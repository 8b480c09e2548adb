package compose

import (
	"context"
	"strings"

	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
)

// A container that a start puts another one in the place of is set aside: it is stopped, so that its ports, addresses and
// volumes are free, and stays to come back as it was. What that takes stands in its name, which is all about a container
// that can be changed and outlives verdigris: <name>-<part of its id>-running.always-replaced.
//
// It leaves the route network too, so that its place there is free, and takes it again when it comes back.
//
// Its restart policy is taken from it before its successor starts. When the Engine starts itself, it starts what has the
// policy always even where a person had stopped it, and there must not be both.

const asideSuffix = "-replaced"

// aside is a container that is set aside, and what it was before.
type aside struct {
	found  // under the name that it had
	ran    bool
	policy container.RestartPolicy
}

// setAside reports whether the container was set aside.
func (f found) setAside() bool {
	_, ok := f.aside()
	return ok
}

// aside reads from the container's name what it was; ok is false where it was not set aside.
func (f found) aside() (a aside, ok bool) {
	rest, ok := strings.CutSuffix(f.name, asideSuffix)
	at := strings.LastIndex(rest, f.asideMark())
	if !ok || at < 0 {
		return a, false
	}
	state, policy, _ := strings.Cut(rest[at+len(f.asideMark()):], ".")
	a = aside{found: f, ran: state == "running", policy: readPolicy(policy, ".")}
	a.name = rest[:at]
	return a, true
}

// asideName is the container's name while it is set aside. The part of its id keeps it apart from one that an earlier start
// left aside.
func (a aside) asideName() string {
	state := "ended"
	if a.ran {
		state = "running"
	}
	return a.name + a.asideMark() + strings.Join(words(state, writePolicy(a.policy, ".")), ".") + asideSuffix
}

func (f found) asideMark() string { return "-" + f.id[:min(12, len(f.id))] + "-" }

// putAside names the container as one that is set aside. It is stopped, and loses its restart policy, when its successor is
// to start.
func (e *Engine) putAside(ctx context.Context, c found) (aside, error) {
	now, err := e.inspect(ctx, c.id)
	if err != nil {
		return aside{}, err
	}
	a := aside{found: c, ran: !c.ended(), policy: now.HostConfig.RestartPolicy}
	return a, e.rename(ctx, c, a.asideName())
}

// retire stops a container that is set aside. The Engine does not start it after that.
func (e *Engine) retire(ctx context.Context, a aside, log deploy.Log) error {
	if err := e.stopContainer(ctx, a.found, log); err != nil || a.policy.IsNone() {
		return err
	}
	return e.setRestart(ctx, member{a.id, a.name}, container.RestartPolicy{Name: container.RestartPolicyDisabled})
}

// leaveRoute takes a container that is set aside out of its slice's route network: its place is its successor's, and the
// network may be another one by the time it comes back.
func (r *Runtime) leaveRoute(ctx context.Context, c found, log deploy.Log) error {
	r.attaching.Lock()
	defer r.attaching.Unlock()
	n, err := r.routeNetworkOf(ctx, c)
	if err != nil || n == nil {
		return err
	}
	return r.engine.leaveAll(ctx, *n, c, log)
}

// takePlace joins a container that has come back to its slice's route network, where there is one: Attach may be long in
// coming. All are the containers of the slice.
func (r *Runtime) takePlace(ctx context.Context, c found, all []found, log deploy.Log) error {
	r.attaching.Lock()
	defer r.attaching.Unlock()
	n, err := r.routeNetworkOf(ctx, c)
	if err != nil || n == nil {
		return err
	}
	for _, web := range all {
		if web.service == r.settings.Web && ownerOf(web, all).id == c.id {
			return r.attachWeb(ctx, *n, web, all, log)
		}
	}
	return nil
}

// routeNetworkOf returns the route network of the container's slice; nil where there is none.
func (r *Runtime) routeNetworkOf(ctx context.Context, c found) (*routeNetwork, error) {
	for name, slice := range r.settings.routeNetworks() {
		if c.labels[labelProject] != r.settings.Project(slice) {
			continue
		}
		networks, err := r.engine.listNetworks(ctx, name)
		if err != nil {
			return nil, err
		}
		return r.routeNetwork(networks, slice)
	}
	return nil, nil
}

func (e *Engine) rename(ctx context.Context, c found, name string) error {
	return e.do(ctx, "rename container "+c.name, func(ctx context.Context) error {
		return e.client.ContainerRename(ctx, c.id, name)
	})
}
