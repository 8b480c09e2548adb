package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// startRedis runs a redis of the test's own and returns its address and a function that stops it early.
func startRedis(t *testing.T) (addr string, stop func()) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("VERDIGRIS_SKIP_MISSING") == "1" {
			t.Skip("redis-server is not installed, and VERDIGRIS_SKIP_MISSING=1 allows to leave it out")
		}
		t.Fatal("redis-server is not installed: scripts/tools.sh installs it")
	}
	addr = freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	process := exec.Command(binary, "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", t.TempDir())
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	}
	t.Cleanup(stop)
	store := newStore(config{redisAddr: addr})
	defer store.close()
	eventually(t, "redis answers", func() bool { return store.ping(context.Background()) == nil })
	return addr, stop
}

// freeAddr returns a loopback address that nothing listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// eventually waits until the condition holds, and fails the test after ten seconds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
