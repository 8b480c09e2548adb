package redisync

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// moving joins two servers whose addresses can change.
func moving(t *testing.T, blue, green *testServer) (d *Data, move func(blue, green string)) {
	t.Helper()
	var addresses [2]atomic.Value
	move = func(blue, green string) {
		addresses[0].Store(blue)
		addresses[1].Store(green)
	}
	move(blue.address, green.address)
	of := func(i int) Side {
		return Side{Address: func(context.Context) (string, error) { return addresses[i].Load().(string), nil }}
	}
	d = newDataOf(t, of(0), of(1), "cart:*")
	d.App = "shop"
	return d, move
}

// cutConnections ends what clients have open, so that they connect anew.
func cutConnections(t *testing.T, servers ...*testServer) {
	t.Helper()
	for _, s := range servers {
		s.do(t, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		s.do(t, "CLIENT", "KILL", "TYPE", "replica")
	}
}

// marked waits until a mirror has marked both servers, and returns it.
func marked(t *testing.T, d *Data, blue, green *testServer) *Data {
	t.Helper()
	startedMirror(t, d)
	if marks := blue.Get(t.Context(), markKey).Val() + ", " + green.Get(t.Context(), markKey).Val(); marks != "blue of shop, green of shop" {
		t.Fatalf("the marks are %s", marks)
	}
	return d
}

func TestMirror_ServersChangePlaces_StopsAndSaysSo(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d, move := moving(t, blue, green)
	blue.do(t, "SET", "cart:1", "live")
	marked(t, d, blue, green)
	green.do(t, "SET", "cache", "its own")
	move(green.address, blue.address)
	cutConnections(t, blue, green)
	blue.do(t, "SET", "cart:1", "newest")
	testkit.Eventually(t, "the mirror says so", func() bool {
		s := d.Mirrored()
		return s.State == deploy.MirrorBroken && strings.Contains(s.Reason, "its data is that of")
	})
	if got := blue.Get(t.Context(), "cart:1").Val(); got != "newest" {
		t.Errorf("the live slice's redis has %q", got)
	}
	_, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	testkit.ErrorContains(t, err, "redis of blue", "its data is that of green of shop")
	move(blue.address, green.address)
	inStep(t, d)
	testkit.Eventually(t, "the mirror goes on", func() bool { return green.Get(t.Context(), "cart:1").Val() == "newest" })
}

func TestMirror_StrangersServerHasTheAddress_IsNotWrittenTo(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d, move := moving(t, blue, green)
	blue.do(t, "SET", "cart:1", "live")
	marked(t, d, blue, green)
	stranger, its := startRedis(t), startRedis(t)
	stranger.do(t, "SET", "cart:1", "a stranger's")
	other, _ := moving(t, its, stranger)
	other.App = "blog"
	startedMirror(t, other).Mirror("")
	stranger.do(t, "SET", "cart:1", "a stranger's")
	move(blue.address, stranger.address)
	cutConnections(t, green)
	testkit.Eventually(t, "the mirror says so", func() bool {
		s := d.Mirrored()
		return s.State == deploy.MirrorBroken && strings.Contains(s.Reason, "its data is that of green of blog")
	})
	if got := stranger.Get(t.Context(), "cart:1").Val(); got != "a stranger's" {
		t.Errorf("the stranger's redis has %q", got)
	}
}

// errNotInStep is why to go on waiting.
var errNotInStep = errors.New("it is not in step")

func TestServer_AnotherServerComesToItsAddress_LaterConnectionsRefuse(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	session := begin(t, newData(t, blue, green, "cart:*"))
	green.restart(t)
	_, err := session.to.dial(t.Context())
	testkit.ErrorContains(t, err, "redis of green", errAnotherServer.Error())
	testkit.ErrorContains(t, session.to.client.Set(t.Context(), "cart:1", "x", 0).Err(), errAnotherServer.Error())
}

func TestMirror_AnotherVerdigrisMirrorsTheOtherWay_OneStopsAndNamesIt(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := newData(t, blue, green, "cart:*")
	d.Holder = "one:/srv/one"
	startedMirror(t, d)
	other := newData(t, blue, green, "cart:*")
	other.Holder = "two:/srv/two"
	t.Cleanup(func() { other.Mirror("") })
	other.Mirror(deploy.Green)
	testkit.Eventually(t, "the second says so", func() bool {
		s := other.Mirrored()
		return s.State == deploy.MirrorBroken && strings.Contains(s.Reason, "another verdigris mirrors to it: one:/srv/one")
	})
	blue.do(t, "RPUSH", "cart:list", "once")
	testkit.Eventually(t, "the first goes on", func() bool { return green.LLen(t.Context(), "cart:list").Val() == 1 })
	d.Mirror("")
	testkit.Within(t, testkit.Patience+leaseLasts, "the second goes on once the first has ended", func() error {
		if s := other.Mirrored(); s.State != deploy.MirrorInStep {
			return errNotInStep
		}
		return nil
	})
	if n := blue.LLen(t.Context(), "cart:list").Val(); n != 1 {
		t.Errorf("one push became %d", n)
	}
}

func TestMirror_AnotherVerdigrisComesLater_StopsTheFirstToo(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := newData(t, blue, green, "cart:*")
	d.Holder = "one:/srv/one"
	startedMirror(t, d)
	blue.do(t, "SET", leaseKey, "two:/srv/two", "PX", "30000") // on its source
	testkit.Eventually(t, "it says so", func() bool {
		s := d.Mirrored()
		return s.State == deploy.MirrorBroken && strings.Contains(s.Reason, "another verdigris mirrors to it: two:/srv/two")
	})
}
