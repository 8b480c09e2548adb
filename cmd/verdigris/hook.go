package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"verdigris/config"
	"verdigris/deploy"
	"verdigris/webhooks"
)

func (c *cli) hookCommand() *cobra.Command {
	return group("hook", "Try the webhooks out", c.hookSendCommand())
}

func (c *cli) hookSendCommand() *cobra.Command {
	var (
		push   pushOptions
		detach bool
	)
	cmd := &cobra.Command{
		Use:   "send",
		Short: "Deliver a push to the local server as GitHub would: the whole payload, signed with the configured secret",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			app, err := cfg.App(c.app)
			if err != nil {
				return err
			}
			answer, err := sendPush(cmd.Context(), cfg, app, push)
			if err != nil {
				return err
			}
			return c.pushed(cmd.Context(), answer, detach)
		},
	}
	cmd.Flags().StringVar(&push.dir, "repository", "", "the clone that the commit is in; the app's repository when it is a folder")
	cmd.Flags().StringVar(&push.commit, "commit", "", "the commit that was pushed; the head of the branch when empty")
	cmd.Flags().StringVar(&push.branch, "branch", "", "the branch that was pushed to; the app's when empty")
	detachFlag(cmd, &detach)
	return cmd
}

// delivered is what the server answers to a delivery that is signed correctly.
type delivered struct {
	Result     string            `json:"result"`
	Reason     string            `json:"reason,omitempty"`
	Deployment deploy.Deployment `json:"deployment,omitzero"`
}

// pushed follows the deployment of a push that was accepted.
func (c *cli) pushed(ctx context.Context, d delivered, detach bool) error {
	if d.Deployment.ID == 0 {
		if c.json {
			return c.writeJSON(d)
		}
		_, err := fmt.Fprintf(c.out, "signed push delivered: %s: %s\n", d.Result, d.Reason)
		return err
	}
	if !c.json {
		fmt.Fprintf(c.out, "signed push delivered: %s\n", strings.TrimSuffix(d.Result+": "+d.Reason, ": "))
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	return c.finish(ctx, api, d.Deployment, detach)
}

// sendPush makes the delivery and posts it to the server that the configuration describes.
func sendPush(ctx context.Context, cfg *config.Config, app *config.App, push pushOptions) (delivered, error) {
	if app.Webhook.GitHub == nil {
		return delivered{}, &deploy.InputError{Reason: "apps." + app.Name + ".webhook.github is not in the configuration"}
	}
	secret, err := app.Webhook.GitHub.Secrets[0].Reveal()
	if err != nil {
		return delivered{}, fmt.Errorf("read the webhook's secret: %w", err)
	}
	sample, err := push.sample(ctx, app)
	if err != nil {
		return delivered{}, err
	}
	body, err := webhooks.NewPush(sample)
	if err != nil {
		return delivered{}, err
	}
	return deliver(ctx, "http://"+reachable(cfg.Server.Listen)+"/webhooks/github/"+app.Name, secret, body)
}

// reachable turns an address to listen on, such as :9000, into one to connect to.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func deliver(ctx context.Context, url, secret string, body []byte) (d delivered, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return d, fmt.Errorf("make delivery: %w", err)
	}
	request.Header = webhooks.NewDelivery("push", "application/json", secret, body)
	server := &client{where: url}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return d, server.unreachable(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return d, readProblem(response)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxReply)).Decode(&d); err != nil {
		return d, fmt.Errorf("read the answer of %s: %w", url, err)
	}
	return d, nil
}
