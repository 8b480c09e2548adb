// Package deploy is the heart of verdigris: what an app, a slice, a release and a deployment are, the
// runbook of each operation, and the worker that carries operations out, one at a time for each app.
//
// It imports the standard library alone. Docker, nginx, redis, git and the journal are reached through
// the small interfaces in ports.go, which the packages compose, nginx, redisync, source and store satisfy;
// cmd/verdigris joins them.
package deploy
