package redisync

import (
	"context"

	"verdigris/deploy"
)

// Mirror keeps the standby of live in step with it.
func (d *Data) Mirror(live deploy.Slice) {}

// Mirrored says how the mirror stands.
func (d *Data) Mirrored() deploy.MirrorStatus { return deploy.MirrorStatus{State: deploy.MirrorOff} }

// Open lets the slice's own app write to its data again.
func (d *Data) Open(ctx context.Context, slice deploy.Slice) error { return nil }

// Estimate says what a transfer would have to copy.
func (d *Data) Estimate(ctx context.Context, from, to deploy.Slice) (deploy.CopyEstimate, error) {
	return deploy.CopyEstimate{}, nil
}

// Turn follows the traffic.
func (t *transfer) Turn(ctx context.Context) ([]string, error) { return nil, nil }
