package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestHealthFlagTellsWellFromUnwellAndAbsent(t *testing.T) {
	s := openSite(t)
	if err := askHealth(t.Context(), s.url+"/health"); err != nil {
		t.Errorf("a healthy gallery is reported as: %v", err)
	}
	s.stopRedis()
	if err := askHealth(t.Context(), s.url+"/health"); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a gallery without redis is reported as: %v", err)
	}
	if err := askHealth(t.Context(), "http://"+freeAddr(t)+"/health"); err == nil {
		t.Error("a gallery that does not run is reported as healthy")
	}
}

func TestServeEndsWhenAskedAndClosesItsPort(t *testing.T) {
	addr, _ := startRedis(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, config{redisAddr: addr}) }()

	url := "http://" + listener.Addr().String() + "/health"
	eventually(t, "the gallery answers", func() bool { return askHealth(t.Context(), url) == nil })
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("serve ended with: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("serve did not end within 5 s")
	}
	if response, err := http.Get(url); err == nil {
		response.Body.Close()
		t.Error("the port still answers")
	}
}

func TestConfigComesFromTheEnvironment(t *testing.T) {
	t.Setenv("PORT", "5060")
	t.Setenv("REDIS_ADDR", "redis-green:6380")
	t.Setenv("VERDIGRIS_SLICE", "green")
	cfg, err := configFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.port != "5060" || cfg.redisPort() != "6380" || cfg.slice != "green" {
		t.Errorf("got %+v", cfg)
	}
	t.Setenv("REDIS_ADDR", "redis-green")
	if _, err := configFromEnv(); err == nil || !strings.Contains(err.Error(), "REDIS_ADDR") {
		t.Errorf("an address without a port gives: %v", err)
	}
}
