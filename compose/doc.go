// Package compose runs Docker Compose projects on the Docker Engine: each slice of an app as one project, and the
// services that the slices share as another.
//
// Compose files are read by compose-go, the reference parser. What a project needs is held against what the engine
// has (observe.go), the difference becomes a printable plan (plan.go), and the plan is carried out without further
// decisions (execute.go). Containers, networks and volumes bear the labels of Docker Compose, so that its command
// line sees and stops what was started here.
//
// Runtime satisfies deploy.Runtime. The package knows nothing of routing, data or deployments, and it is the only
// one that talks to the Docker Engine.
package compose
