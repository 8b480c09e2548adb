package compose

import (
	"context"
	"sync/atomic"

	"verdigris/deploy"
)

// StopWorkers stops the slice's workers, those that depend on others first, each with its pre_stop hooks, its
// stop_signal and its stop_grace_period, and returns how many it stopped. They stay, to be started again; until then the
// Engine does not start them, whatever their restart policy is. It needs no compose file, and can be repeated.
func (r *Runtime) StopWorkers(ctx context.Context, slice deploy.Slice, log deploy.Log) (int, error) {
	containers, err := r.ownContainers(ctx, slice)
	if err != nil {
		return 0, err
	}
	var stopped atomic.Int64
	err = inStopOrder(workersOf(containers), func(c found) error {
		if err := r.engine.stopContainer(ctx, c, log); err != nil {
			return err
		}
		if !c.ended() {
			stopped.Add(1)
		}
		return nil
	})
	return int(stopped.Load()), err
}

// ownContainers are the slice's containers, which must not be those of another site with this one's name.
func (r *Runtime) ownContainers(ctx context.Context, slice deploy.Slice) ([]found, error) {
	project := r.settings.Project(slice)
	containers, err := r.engine.containersOf(ctx, project)
	if err != nil {
		return nil, err
	}
	return containers, refuseElsewhere(project, r.settings.Dir, containers)
}

func workersOf(containers []found) (workers []found) {
	for _, c := range containers {
		if c.worker() {
			workers = append(workers, c)
		}
	}
	return workers
}
