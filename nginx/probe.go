package nginx

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"verdigris/deploy"
)

// probeHeader is what the router says of a question that it has passed on: that it was answered or, if not, the status by
// which nginx tells a refusal from a silence, and how many bytes it could send (ngx_http_upstream_module, $upstream_status
// and $upstream_bytes_sent). Where it sent none, it got no connection to speak of.
const probeHeader = "X-Verdigris-Probe"

const probeAnswered = "answered"

// errNotPassedOn means that the router has loaded a configuration from before there were probes.
var errNotPassedOn = errors.New("the router does not pass questions on")

// RoundTrip makes a request of a container, whose address is the URL's host, from where the router is: through the router's
// admin socket, in its network, with what nginx makes of the addresses. It returns a deploy.UnreachedError when the router
// got no connection, and a deploy.RouterError when it does not answer itself.
func (r *Router) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.probe(request)
	if !errors.Is(err, errNotPassedOn) {
		return response, err
	}
	if err := r.loadProbes(request.Context()); err != nil {
		return nil, err
	}
	// Workers of the configuration before may take a few more questions.
	ctx, cancel := context.WithTimeout(request.Context(), r.ReloadTimeout)
	defer cancel()
	notPassedOn := until(ctx, func() error {
		again := request.Clone(request.Context())
		if request.GetBody != nil {
			again.Body, _ = request.GetBody() // of a body in memory, which probes have
		}
		if response, err = r.probe(again); errors.Is(err, errNotPassedOn) {
			return err
		}
		return nil
	})
	return response, cmp.Or(notPassedOn, err)
}

func (r *Router) probe(request *http.Request) (*http.Response, error) {
	target := request.URL.Host
	if _, err := netip.ParseAddrPort(target); err != nil {
		return nil, fmt.Errorf("ask %s through the router: %w", target, err)
	}
	passed := request.Clone(request.Context())
	way := "/probe/" + target
	path, raw := cmp.Or(request.URL.Path, "/"), cmp.Or(request.URL.EscapedPath(), "/")
	passed.URL.Host, passed.URL.Path, passed.URL.RawPath = "router", way+path, way+raw
	if passed.Host == "" {
		passed.Host = target
	}
	response, err := r.admin().transport().RoundTrip(passed)
	if err != nil {
		return nil, r.unasked(request.Context(), err)
	}
	said := response.Header.Get(probeHeader)
	response.Header.Del(probeHeader)
	if said == probeAnswered {
		return response, nil
	}
	response.Body.Close()
	return nil, unanswered(target, said)
}

// unasked tells a router that does not answer from a container that takes its time.
func (r *Router) unasked(ctx context.Context, err error) error {
	bounded := ctx
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		if _, silent := r.admin().generation(bounded); silent == nil {
			return err
		}
	}
	return &deploy.RouterError{Err: r.whySilent(bounded, err)}
}

// unanswered puts into words what the router says of a question without an answer.
func unanswered(target, said string) error {
	unreached := func(how string) error { return &deploy.UnreachedError{Address: target, Reason: how} }
	switch said {
	case "":
		return errNotPassedOn
	case "502 0", "502 -":
		return unreached("the connection is refused, or ended at once")
	case "504 0", "504 -":
		return unreached("nobody answers there")
	}
	return fmt.Errorf("%s ended the connection without an answer", target)
}

// loadProbes has a router that was started with an older configuration take up the one in its files. Nothing is live then:
// whatever routes is loaded when verdigris starts.
func (r *Router) loadProbes(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if content, err := readIfThere(r.settings.conf(upstreamFile)); err != nil || !bytes.Contains(content, []byte("/probe/")) {
		return &deploy.HintedError{Err: errNotPassedOn, Next: "restart verdigris serve, which has the router load its configuration"}
	}
	ctx, cancel := context.WithTimeout(ctx, r.ReloadTimeout)
	defer cancel()
	return hinted(r.Process.Reload(ctx))
}

// transport takes a fresh connection to the admin socket for each question: a kept one would ask the same worker again.
func (a admin) transport() *http.Transport {
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialSocket(ctx, a.socket)
		},
	}
}
