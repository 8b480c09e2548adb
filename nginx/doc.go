// Package nginx sends an app's traffic to one of its slices through two tiers of nginx, and makes requests wait
// at a gate while a cutover runs. It satisfies deploy.Router and deploy.Hold.
//
// The edge owns the clients' connections and is not touched by deployments. The router behind it owns the
// routing: one file, upstream.conf, is rewritten, tested, renamed into place and loaded with a reload that is
// confirmed by a generation number. The first line of that file is the truth about which slice is live; where it is a
// hold's, it names two, and the name of one more file, the hold's sign, says which of them counts.
//
// Unix sockets join the parts, all in the run directory:
//
//	router.sock          the edge's requests; during a hold they wait at the gate
//	router-streams.sock  those of them that are streams: websockets and server-sent events
//	router-a..., -b...   the same two once more, twice: each hold lets the names above lead to another pair
//	router-live.sock     the same routes without the gate: where a request goes that finds none
//	router-admin.sock    the generation, the slice and nginx's own counters; never reachable through the edge
//	gate.sock            verdigris itself, bound while a hold lasts
//
// What came before a hold and what came after it are told apart by the socket by which they came: the kernel lists it
// for each connection. So a drain knows for sure when the last request from before has ended, however many streams stay.
//
// A hold is one reload: its configuration knows both slices, and asks the gate about each request, before it reads the
// body. To turn the route then takes no reload, only a rename: the hold's sign, hold.NAME.blue, becomes hold.NAME.green.
// The gate sends requests to the next slice from then on, and a request that finds no gate, because verdigris died, is sent
// by whether hold.NAME.green is there. So the truth and the traffic turn in the same step, and back in another one, for
// workers that stand still too: they look when they go on. Nothing moves because a file is missing. The plain
// configuration of the next route is loaded afterwards, when nobody waits any more.
//
// A reload is waited for until a worker of the new generation answers and no old worker takes connections. nginx would
// send the old ones away 100 ms after it has started the new ones; they are told to go as soon as one of those answers.
//
// An nginx that was killed leaves its unix sockets behind and cannot bind them again. Whoever starts the router
// removes them first, as docker-compose.shared.yml does.
//
// FileRouter serves people who have an nginx of their own: it rewrites one include file and reloads.
//
// The package knows neither Docker nor the journal: containers are reached through the Container interface.
package nginx
