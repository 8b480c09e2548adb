package nginx

import (
	"context"
	"fmt"
	"reflect"

	"verdigris/deploy"
)

// Ask asks the router on its admin socket where it sends requests, whatever the files say, and whether it has loaded
// what they say. A router that stands still or is down does not answer, which is an error.
func (r *Router) Ask(ctx context.Context) (deploy.Answer, error) {
	for {
		before, err := r.truth()
		if err != nil {
			return deploy.Answer{}, err
		}
		slice, generation, err := r.admin().state(ctx)
		if err != nil {
			return deploy.Answer{}, hinted(err)
		}
		now, err := r.truth()
		if err != nil {
			return deploy.Answer{}, err
		}
		if reflect.DeepEqual(before, now) {
			return deploy.Answer{Slice: slice, Generation: generation, Loaded: generation == now.loaded}, nil
		}
		if ctx.Err() != nil {
			return deploy.Answer{}, fmt.Errorf("ask router for its route: %w", context.Cause(ctx))
		}
	}
}

// Ask returns ErrCannotAsk: nobody can ask an nginx of somebody else's.
func (r *FileRouter) Ask(context.Context) (deploy.Answer, error) {
	return deploy.Answer{}, deploy.ErrCannotAsk
}
