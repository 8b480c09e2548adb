// Package e2e drives the verdigris binary as a user does, on real Docker, nginx, redis and git. Each test has a site
// of its own: a folder with the repository's own compose files under another app name and other ports, a git
// repository, and a running verdigris.
package e2e
