// Package server is the HTTP face of verdigris: webhooks, the API, the event stream of a deployment, health and
// metrics, on a TCP listener and on a local unix socket.
//
// It decides who may ask, checks the form of what is asked and answers; it carries nothing out. What it needs of the
// rest, a controller, receivers of webhooks, a check of tokens, it declares as small interfaces and functions that
// cmd/verdigris fills in. openapi.json describes every route, and a test holds the two against each other.
package server
