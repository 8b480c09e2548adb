// Package compose runs Docker Compose projects on the Docker Engine: each slice of an app as one project, and the
// services that the slices share as another.
//
// Compose files are read by compose-go, the reference parser. What a project needs is held against what the engine
// has (observe.go), the difference becomes a printable plan (plan.go, decide.go), and the plan is carried out without
// further decisions (execute.go, create.go, undo.go). Containers, networks and volumes bear the labels of Docker Compose, so that its command
// line sees and stops what was started here.
//
// What becomes of each key of a compose file stands in tables (attributes.go, tables.go), beside the functions that map
// it: process.go, limits.go, networking.go, mounts.go and so on. Images are pulled (pull.go) or built (build.go,
// buildkit.go) before.
//
// Runtime satisfies deploy.Runtime. The package knows nothing of routing, data or deployments, and it is the only
// one that talks to the Docker Engine.
package compose
