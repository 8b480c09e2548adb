package compose

import (
	"context"
	"fmt"
	"strings"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"verdigris/deploy"
)

// Stop stops the slice's containers, those that depend on others first, and removes them and the slice's networks.
// Each has its pre_stop hooks, its stop_signal and its stop_grace_period. Volumes stay. It needs no compose file: what
// there is says itself what it is. Called off in between, it goes on where it was when it is called again.
func (r *Runtime) Stop(ctx context.Context, slice deploy.Slice, log deploy.Log) error {
	return r.down(ctx, r.settings.Project(slice), log)
}

// StopShared does the same with the shared services. A network that a slice still uses stays.
func (r *Runtime) StopShared(ctx context.Context, log deploy.Log) error {
	return r.down(ctx, r.settings.SharedProject(), log)
}

func (r *Runtime) down(ctx context.Context, name string, log deploy.Log) error {
	containers, err := r.engine.list(ctx, filters.NewArgs(filters.Arg("label", ownedBy(name))))
	if err != nil {
		return err
	}
	if err := refuseElsewhere(name, r.settings.Dir, containers); err != nil {
		return err
	}
	err = inStopOrder(containers, func(c found) error {
		if err := r.engine.stopContainer(ctx, c, log); err != nil {
			return err
		}
		log("remove " + c.name)
		return r.engine.removeContainer(ctx, c)
	})
	if err != nil {
		return err
	}
	return r.removeNetworks(ctx, name, log)
}

func (r *Runtime) removeNetworks(ctx context.Context, project string, log deploy.Log) error {
	var networks []network.Summary
	err := r.engine.do(ctx, "list networks", func(ctx context.Context) (err error) {
		networks, err = r.engine.client.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("label", ownedBy(project)))})
		return err
	})
	if err != nil {
		return err
	}
	for _, n := range networks {
		err := r.engine.removeNetwork(ctx, n.Name)
		switch {
		case err == nil:
			log("remove network " + n.Name)
		case strings.Contains(err.Error(), "active endpoints"):
			log(fmt.Sprintf("note: network %s stays, other containers use it", n.Name))
		default:
			return err
		}
	}
	return nil
}
