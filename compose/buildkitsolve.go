package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/network"
	controlapi "github.com/moby/buildkit/api/services/control"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// build solves the recipe: BuildKit asks in a session for the files it needs, so that those of an unchanged context
// are not sent again.
func (b *buildKit) build(ctx context.Context, job recipe, progress *buildProgress) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dockerfile, clean, err := dockerfileOnDisk(job)
	if err != nil {
		return err
	}
	defer clean()
	s, err := b.openSession(ctx, job, filepath.Dir(dockerfile))
	if err != nil {
		return err
	}
	defer s.Close()
	hosts, err := b.hosts(ctx, job)
	if err != nil {
		return err
	}
	request := solveRequest(job, filepath.Base(dockerfile), hosts)
	request.Ref, request.Session = s.ID(), s.ID()
	return b.solve(ctx, request, progress)
}

// progressGrace is how long the rest of the progress may take after the end of a build.
const progressGrace = 30 * time.Second

func (b *buildKit) solve(ctx context.Context, request *controlapi.SolveRequest, progress *buildProgress) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		b.watch(watching, request.Ref, progress)
	}()
	_, err := b.api.Solve(ctx, request)
	defer time.AfterFunc(progressGrace, stop).Stop()
	<-watched
	return plain(err)
}

// watch tells the progress of a build until it ends. What goes wrong here is not the build's failure.
func (b *buildKit) watch(ctx context.Context, ref string, progress *buildProgress) {
	stream, err := b.api.Status(ctx, &controlapi.StatusRequest{Ref: ref})
	if err != nil {
		return
	}
	trace := newTrace(progress)
	defer trace.end()
	for {
		message, err := stream.Recv()
		if err != nil {
			return
		}
		trace.read(message)
	}
}

// plain takes the wrapping of gRPC off an error, and the words that BuildKit puts before each.
func plain(err error) error {
	if err == nil {
		return nil
	}
	s := status.Convert(err)
	text := s.Message()
	for _, noise := range []string{"failed to solve with frontend dockerfile.v0: ", "failed to solve: "} {
		text = strings.TrimPrefix(text, noise)
	}
	if s.Code() == codes.Unavailable {
		return fmt.Errorf("%s: %w", text, io.ErrUnexpectedEOF)
	}
	return errors.New(text)
}

// solveRequest puts a recipe into the terms of BuildKit's Dockerfile frontend and of the engine's own exporter. The
// exporter stands in the field that Engine 20.10 knows, which newer ones read too.
func solveRequest(job recipe, dockerfile string, hosts []string) *controlapi.SolveRequest {
	c := job.config
	attrs := map[string]string{"filename": dockerfile, "image-resolve-mode": "default"}
	set := func(name, value string) {
		if value != "" {
			attrs[name] = value
		}
	}
	set("target", c.Target)
	set("platform", job.platform)
	set("cache-from", strings.Join(job.cacheRefs(), ","))
	set("add-hosts", strings.Join(hosts, ","))
	set("ulimit", strings.Join(job.ulimits(), ","))
	set("no-cache", strings.Join(c.NoCacheFilter, ","))
	if c.ShmSize > 0 {
		attrs["shm-size"] = strconv.FormatInt(int64(c.ShmSize), 10)
	}
	if c.Pull {
		attrs["image-resolve-mode"] = "pull"
	}
	if job.fresh {
		attrs["no-cache"] = "" // every stage
	}
	if c.Network == network.NetworkHost || c.Network == network.NetworkNone {
		attrs["force-network-mode"] = c.Network
	}
	if isRemote(c.Context) {
		attrs["context"] = c.Context
		if len(job.inline) > 0 {
			attrs["dockerfilekey"] = localDockerfile
		}
	}
	for name, value := range c.Args {
		if value != nil {
			attrs["build-arg:"+name] = *value
		}
	}
	for name, value := range job.labels {
		attrs["label:"+name] = value
	}
	for _, c := range job.contexts {
		attrs["context:"+c.name] = c.source
		if c.directory() {
			attrs["context:"+c.name] = "local:" + c.local()
		}
	}
	cache := &controlapi.CacheOptions{}
	if job.cachesInline() {
		cache.Exports = []*controlapi.CacheOptionsEntry{{Type: "inline"}}
	}
	return &controlapi.SolveRequest{
		Frontend:                "dockerfile.v0",
		FrontendAttrs:           attrs,
		ExporterDeprecated:      "moby",
		ExporterAttrsDeprecated: map[string]string{"name": strings.Join(job.tags, ",")},
		Cache:                   cache,
		Entitlements:            entitlements(job),
	}
}

// entitlements are what the build asks for beyond the usual; the engine grants them or not (builder.entitlements in its
// daemon.json).
func entitlements(job recipe) []string {
	list := slices.Clone(job.config.Entitlements)
	if job.config.Network == network.NetworkHost {
		list = append(list, "network.host")
	}
	if job.config.Privileged {
		list = append(list, "security.insecure")
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// hosts are the extra hosts in BuildKit's form, with the address that host-gateway stands for.
func (b *buildKit) hosts(ctx context.Context, job recipe) ([]string, error) {
	var list []string
	extra := job.config.ExtraHosts
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		for _, ip := range extra[name] {
			if ip == hostGateway {
				var err error
				if ip, err = b.gateway(ctx); err != nil {
					return nil, fmt.Errorf("extra_hosts: %s: %w", name, err)
				}
			}
			list = append(list, name+"="+ip)
		}
	}
	return list, nil
}

// gateway is the address of this machine as containers see it. Older engines do not say it of BuildKit: there it is that of
// the default bridge.
func (b *buildKit) gateway(ctx context.Context) (string, error) {
	if ip := b.labels["org.mobyproject.buildkit.worker.moby.host-gateway-ip"]; ip != "" {
		return ip, nil
	}
	var bridge network.Inspect
	err := b.engine.do(ctx, "look for the default bridge", func(ctx context.Context) (err error) {
		bridge, err = b.engine.client.NetworkInspect(ctx, network.NetworkBridge, network.InspectOptions{})
		return err
	})
	if err != nil {
		return "", err
	}
	for _, config := range bridge.IPAM.Config {
		if config.Gateway != "" {
			return config.Gateway, nil
		}
		if subnet, err := netip.ParsePrefix(config.Subnet); err == nil {
			return subnet.Masked().Addr().Next().String(), nil // the one that the engine gives the bridge
		}
	}
	return "", errors.New("the engine has no default bridge, and " + hostGateway + " stands for nothing")
}
