package e2e

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// pool lends sites to one test after another: to bring a site back to where it was when it was new takes a fraction of
// the time in which another one is started and removed.
type pool struct {
	mu   sync.Mutex
	free []*site
}

var sites pool

// goodSite lends the test a site as it is after its first deployment: blue is live with the commit `good`, green has no
// containers, both redis are empty. Edits change the settings of its verdigris, which is restarted for that. Whatever
// the test does in Docker, in redis and to the settings of a redis by itself it undoes by itself; releases, the
// repository, verdigris.yml, the keys and verdigris are brought back here.
func goodSite(t testing.TB, edits ...func(*site)) *site {
	t.Helper()
	s := sites.take()
	if s == nil {
		s = newGoodSite(t)
	}
	s.t, s.logged = t, len(s.log.String())
	t.Cleanup(func() { sites.takeBack(s) })
	if len(edits) > 0 {
		s.restart(edits...)
	}
	return s
}

// newGoodSite starts another site for the pool.
func newGoodSite(t testing.TB) *site {
	t.Helper()
	s := writeSite(t)
	isGood := false
	defer func() {
		if !isGood {
			s.remove()
		}
	}()
	s.git("tag", "good")
	s.must("up")
	s.start()
	s.blueLive()
	s.mirrorInStep()
	s.whenGood = s.picture()
	isGood = true
	return s
}

func (p *pool) take() *site {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return nil
	}
	s := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return s
}

// takeBack brings the site back to where it was, and fails the test that used it if it does not get there. A site that
// is not as it was is never lent again.
func (p *pool) takeBack(s *site) {
	isGood := false
	defer func() {
		if !isGood {
			s.remove()
		}
	}()
	if s.t.Failed() {
		return
	}
	s.restore()
	if now := s.picture(); now != s.whenGood {
		s.t.Fatalf("the test does not leave its site as it was:\n%s", difference(s.whenGood, now))
	}
	isGood = true
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, s)
}

// close removes the sites at the end of all tests.
func (p *pool) close() error {
	errs := make([]error, len(p.free))
	var removed sync.WaitGroup
	for i, s := range p.free {
		removed.Go(func() { errs[i] = s.discard() })
	}
	removed.Wait()
	return errors.Join(errs...)
}

// restore brings the site back to where it was after its first deployment.
func (s *site) restore() {
	s.t.Helper()
	s.git("reset", "-q", "--hard", "good")
	s.git("clean", "-qfdx")
	s.write("verdigris.yml", s.config())
	s.env = nil
	if s.serve == nil || s.runs != s.settings() {
		s.stop(syscall.SIGTERM)
		s.start()
	}
	s.healthy()
	s.bringGoodLive()
	s.ask(http.MethodPost, "/stop/green", "", http.StatusNoContent, nil)
	s.emptyRedis()
	s.mirrorInStep()
}

// bringGoodLive has blue live with the commit `good`.
func (s *site) bringGoodLive() {
	s.t.Helper()
	good := deploy.Commit(s.git("rev-parse", "good"))
	for range 3 { // a wrong release on blue is replaced by way of green
		status := s.status()
		if status.Live == deploy.Blue && status.Route.Commit == good {
			return
		}
		blue := status.Slices[slices.IndexFunc(status.Slices, func(x deploy.SliceStatus) bool { return x.Slice == deploy.Blue })]
		if status.Live == deploy.Green && blue.Commit == good && blue.Running() {
			s.want(s.order("/switch", `{"to":"blue"}`), deploy.StateSucceeded)
		} else {
			s.want(s.order("/deploy/auto", `{"commit":"`+string(good)+`","promote":true}`), deploy.StateSucceeded)
		}
	}
	s.t.Fatalf("blue is not live with %s: %+v", good.Short(), s.status().Route)
}

// emptyRedis removes all keys but verdigris's own, those of green after blue's, which the mirror removes there too, and
// lets green's app write again, as it might before a cutover left it.
func (s *site) emptyRedis() {
	s.t.Helper()
	ctx := context.Background()
	s.removeKeys(deploy.Blue)
	green := s.redis(deploy.Green)
	testkit.Within(s.t, testkit.Patience, "the mirror has removed green's selected keys", func() error {
		if left := green.Keys(ctx, "images*").Val(); len(left) > 0 {
			return errors.New(strings.Join(left, " "))
		}
		return nil
	})
	s.liftFence(green)
	s.removeKeys(deploy.Green)
}

func (s *site) removeKeys(slice deploy.Slice) {
	s.t.Helper()
	client := s.redis(slice)
	if keys := s.keys(client); len(keys) > 0 {
		testkit.Must(s.t, client.Unlink(context.Background(), keys...).Err())
	}
}

// liftFence gives a redis's users their rights back as docs/data.md says.
func (s *site) liftFence(client *redis.Client) {
	s.t.Helper()
	ctx := context.Background()
	const fence = "__verdigris:fence"
	fields, err := client.HGetAll(ctx, fence).Result()
	testkit.Must(s.t, err)
	for user, rights := range fields {
		if !strings.Contains(user, " ") { // what has a space is no user
			testkit.Must(s.t, client.ACLSetUser(ctx, user, append([]string{"nocommands"}, strings.Fields(rights)...)...).Err())
		}
	}
	testkit.Must(s.t, client.Del(ctx, fence).Err())
}
