package main

import (
	"fmt"
	"net"
	"os"
)

// config is what the environment says.
type config struct {
	port          string // PORT: where the gallery listens
	redisAddr     string // REDIS_ADDR: host:port
	redisPassword string // REDIS_PASSWORD: empty for none
	slice         string // VERDIGRIS_SLICE: blue, green or staging
	release       string // VERDIGRIS_RELEASE: the commit
}

func configFromEnv() (config, error) {
	c := config{
		port:          env("PORT", "9090"),
		redisAddr:     env("REDIS_ADDR", "localhost:6379"),
		redisPassword: os.Getenv("REDIS_PASSWORD"),
		slice:         env("VERDIGRIS_SLICE", "none"),
		release:       env("VERDIGRIS_RELEASE", "unreleased"),
	}
	if _, _, err := net.SplitHostPort(c.redisAddr); err != nil {
		return config{}, fmt.Errorf("read REDIS_ADDR %q: want host:port, e.g. redis-blue:6379", c.redisAddr)
	}
	return c, nil
}

// redisPort returns the port of redisAddr, which tells visitors whose data they see.
func (c config) redisPort() string {
	_, port, _ := net.SplitHostPort(c.redisAddr)
	return port
}

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
