// Package nginx sends an app's traffic to one of its slices through two tiers of nginx, and makes requests wait
// at a gate while a cutover runs. It satisfies deploy.Router and deploy.Hold.
//
// The edge owns the clients' connections and is not touched by deployments. The router behind it owns the
// routing: one file, upstream.conf, is rewritten, tested, renamed into place and loaded with a reload that is
// confirmed by a generation number. The first line of that file is the truth about which slice is live.
//
// Four unix sockets join the parts, all in the run directory:
//
//	router.sock        the edge's requests; during a hold they wait at the gate
//	router-live.sock   the same routes without the gate: where a request goes once it has waited
//	router-admin.sock  the generation number and nginx's own counters; never reachable through the edge
//	gate.sock          verdigris itself, bound while a hold lasts
//
// A request that has waited is sent through router-live.sock, so that the configuration in force at that moment
// decides where it goes, even if verdigris died meanwhile: before the switch to the old slice, after it to the new.
//
// An nginx that was killed leaves its unix sockets behind and cannot bind them again. Whoever starts the router
// removes them first, as docker-compose.shared.yml does.
//
// FileRouter serves people who have an nginx of their own: it rewrites one include file and reloads.
//
// The package knows neither Docker nor the journal: containers are reached through the Container interface.
package nginx
