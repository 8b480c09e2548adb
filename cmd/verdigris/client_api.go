package main

import (
	"context"
	"fmt"
	"net/http"

	"verdigris/deploy"
)

type deployBody struct {
	Commit  deploy.Commit `json:"commit,omitempty"`
	Rebuild bool          `json:"rebuild,omitempty"`
	Promote bool          `json:"promote,omitempty"`
}

type switchBody struct {
	To deploy.Slice `json:"to,omitempty"`
}

func (c *client) deploy(ctx context.Context, slice string, body deployBody) (d deploy.Deployment, err error) {
	return d, c.call(ctx, http.MethodPost, c.path("deploy", slice), body, &d)
}

func (c *client) switchTo(ctx context.Context, to deploy.Slice) (d deploy.Deployment, err error) {
	return d, c.call(ctx, http.MethodPost, c.path("switch"), switchBody{To: to}, &d)
}

func (c *client) planSwitch(ctx context.Context, to deploy.Slice) (p deploy.SwitchPlan, err error) {
	return p, c.call(ctx, http.MethodPost, c.path("switch")+"?dry_run=true", switchBody{To: to}, &p)
}

func (c *client) rollback(ctx context.Context) (d deploy.Deployment, err error) {
	return d, c.call(ctx, http.MethodPost, c.path("rollback"), nil, &d)
}

func (c *client) stop(ctx context.Context, slice deploy.Slice) error {
	return c.callWithin(ctx, stopTimeout, http.MethodPost, c.path("stop", string(slice)), nil, nil)
}

func (c *client) mirroring(ctx context.Context) (m deploy.Mirroring, err error) {
	return m, c.call(ctx, http.MethodGet, c.path("mirroring"), nil, &m)
}

func (c *client) setMirroring(ctx context.Context, req deploy.MirrorRequest) (m deploy.Mirroring, err error) {
	body := map[string]any{"on": req.On}
	if req.From != "" {
		body["from"] = req.From
	}
	return m, c.call(ctx, http.MethodPut, c.path("mirroring"), body, &m)
}

func (c *client) status(ctx context.Context) (s deploy.Status, err error) {
	return s, c.call(ctx, http.MethodGet, c.path("status"), nil, &s)
}

func (c *client) deployments(ctx context.Context, limit int) (list []deploy.Deployment, err error) {
	return list, c.call(ctx, http.MethodGet, c.path("deployments")+fmt.Sprintf("?limit=%d", limit), nil, &list)
}

func (c *client) deployment(ctx context.Context, id int64) (d deploy.Deployment, err error) {
	return d, c.call(ctx, http.MethodGet, fmt.Sprintf("/deployments/%d", id), nil, &d)
}
