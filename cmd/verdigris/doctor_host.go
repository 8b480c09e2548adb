package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"syscall"

	"verdigris/config"
)

// Room on a disk below which builds begin to fail.
const (
	scarceBytes = 5 << 30
	leastBytes  = 1 << 30
)

// disk looks for room on the disk that the folder, or the nearest one above it that exists, is on.
func (d *doctor) disk(what, folder string) {
	var stat syscall.Statfs_t
	err := syscall.Statfs(folder, &stat)
	for errors.Is(err, syscall.ENOENT) && folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
		err = syscall.Statfs(folder, &stat)
	}
	if err != nil {
		// The engine may be on another machine.
		d.add(finding{What: what, Verdict: findingWarn, Detail: fmt.Sprintf("cannot look at %s: %v", folder, err)})
		return
	}
	free := stat.Bavail * uint64(stat.Bsize)
	f := finding{What: what, Verdict: findingGood, Detail: fmt.Sprintf("%.1f GB free at %s", float64(free)/(1<<30), folder)}
	if free < scarceBytes {
		f.Verdict, f.Mend = findingWarn, "make room: docker system df shows what Docker holds; keep_releases says how many releases stay"
	}
	if free < leastBytes {
		f.Verdict = findingBad
	}
	d.add(f)
}

// daemon looks whether verdigris serve runs, or could.
func (d *doctor) daemon(ctx context.Context, cfg *config.Config) {
	api, err := d.cli.client()
	if err == nil {
		err = api.call(ctx, http.MethodGet, "/health", nil, nil)
	}
	if err == nil {
		d.good("verdigris serve", "answers at "+api.where)
		return
	}
	if !errors.As(err, new(*unreachableError)) {
		d.bad("verdigris serve", err, "see its log")
		return
	}
	if err := portFree(reachable(cfg.Server.Listen)); err != nil {
		d.bad("verdigris serve", err, "stop what listens there, or change server.listen")
		return
	}
	d.add(finding{What: "verdigris serve", Verdict: findingWarn, Detail: "does not run", Mend: "verdigris serve"})
}

// portFree tries to listen on host:port for a moment.
func portFree(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("%s is taken: %w", address, err)
	}
	return listener.Close()
}

// hostPort returns the host:port of a URL.
func hostPort(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
