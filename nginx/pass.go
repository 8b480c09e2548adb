package nginx

import "slices"

// cameHeader tells the gate by which socket a request came in, as nginx's $server_addr has it.
const cameHeader = "X-Verdigris-Came"

// What comes in by the door from before the hold does not wait: it goes to the old slice, and the drain waits for it.
// That ends when the drain does. A request that comes in by that door later still, if there can be one, waits like all
// others.

// pass tells whether a request that came in by the socket need not wait, and counts it.
func (g *gate) pass(came string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isShut || !slices.Contains(g.passing, came) {
		return false
	}
	g.passed++
	return true
}

// passedSoFar returns how many requests did not need to wait.
func (g *gate) passedSoFar() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.passed
}

// shut lets nobody pass from now on, unless somebody has since there were so many: who has just passed may not have
// been seen by whoever looked for it.
func (g *gate) shut(passed int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isShut = g.isShut || g.passed == passed
	return g.isShut
}

// shutNow lets nobody pass from now on.
func (g *gate) shutNow() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isShut = true
}
