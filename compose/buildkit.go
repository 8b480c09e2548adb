package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/docker/docker/client"
	controlapi "github.com/moby/buildkit/api/services/control"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"verdigris/deploy"
)

// buildKit is the BuildKit inside of the engine. One connection carries its control API, and the sessions in which it
// asks for files, secrets and keys. The Engine API's own /build would take fewer of the options.
type buildKit struct {
	engine *Engine
	conn   *grpc.ClientConn
	api    controlapi.ControlClient
	labels map[string]string // what BuildKit says about where it runs
}

// maxMessage bounds one message of BuildKit, in bytes, as BuildKit itself does.
const maxMessage = 16 << 20

// openBuildKit connects to the BuildKit of the engine.
func (e *Engine) openBuildKit(ctx context.Context) (*buildKit, error) {
	raw, err := e.dialBuildKit(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient("passthrough:///engine", grpc.WithContextDialer(once(raw)),
		grpc.WithTransportCredentials(insecure.NewCredentials()), // TLS, where the engine wants it, is below
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)))
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	b := &buildKit{engine: e, conn: conn, api: controlapi.NewControlClient(conn)}
	err = e.do(ctx, "ask BuildKit about itself", func(ctx context.Context) error {
		workers, err := b.api.ListWorkers(ctx, &controlapi.ListWorkersRequest{})
		if err != nil {
			return e.noBuildKit(err)
		}
		for _, w := range workers.Record {
			b.labels = w.Labels
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, conn.Close(), raw.Close())
	}
	return b, nil
}

// noBuildKit is the error about an engine whose BuildKit does not answer, as that of a proxy that lets no other protocol
// through, or of a program that only speaks like a Docker Engine.
func (e *Engine) noBuildKit(err error) error {
	return &deploy.HintedError{
		Err:  fmt.Errorf("the Docker Engine at %s has no BuildKit: %w", e.client.DaemonHost(), err),
		Next: "build on a Docker Engine (20.10 or newer), with nothing before it that stops upgraded connections",
	}
}

// dialBuildKit opens a connection that speaks gRPC: by an upgrade at /grpc, or at once with an engine that has dropped
// this path since it serves gRPC directly.
func (e *Engine) dialBuildKit(ctx context.Context) (net.Conn, error) {
	conn, err := e.client.DialHijack(ctx, "/grpc", "h2c", nil)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case client.IsErrConnectionFailed(err):
		return nil, e.explain(err)
	}
	conn, err = e.client.Dialer()(ctx)
	if err != nil {
		return nil, e.explain(err)
	}
	return conn, nil
}

// once hands a connection out a single time: a build does not survive its connection.
func once(conn net.Conn) func(context.Context, string) (net.Conn, error) {
	unused := make(chan net.Conn, 1)
	unused <- conn
	return func(context.Context, string) (net.Conn, error) {
		select {
		case c := <-unused:
			return c, nil
		default:
			return nil, io.ErrUnexpectedEOF
		}
	}
}

func (b *buildKit) close() { b.conn.Close() }

// contexts is false for the BuildKit of Engine 20.10, whose Dockerfile frontend does not know additional contexts.
func (b *buildKit) contexts() bool { return !b.old() }

func (b *buildKit) old() bool { return olderThan(b.engine.client.ClientVersion(), contextsSince) }

// refuse names what the BuildKit of an old engine would pass over.
func (b *buildKit) refuse(job recipe) error {
	c := job.config
	switch {
	case !b.old():
		return nil
	case len(c.Ulimits) > 0:
		return needsNewer("build.ulimits")
	case c.ShmSize > 0:
		return needsNewer("build.shm_size")
	case isRemote(c.Context) && strings.Contains(fragment(c.Context), ":"):
		return needsNewer("build.context with a folder of a git repository")
	case isRemote(c.Context) && len(job.inline) > 0:
		return needsNewer("build.dockerfile_inline with a context that the engine fetches")
	case isRemote(c.Context) && len(job.contexts) > 0:
		return needsNewer("build.additional_contexts with a context that the engine fetches")
	}
	return nil
}
