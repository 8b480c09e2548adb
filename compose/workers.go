package compose

import (
	"context"

	"verdigris/deploy"
)

// StartWorkers starts the slice's workers that do not run.
func (r *Runtime) StartWorkers(ctx context.Context, slice deploy.Slice, log deploy.Log) (int, error) {
	return 0, nil
}

// StopWorkers stops the slice's workers.
func (r *Runtime) StopWorkers(ctx context.Context, slice deploy.Slice, log deploy.Log) (int, error) {
	return 0, nil
}
