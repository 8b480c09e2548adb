package redisync

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// clients counts the clients of a server that have a flag (https://redis.io/docs/latest/commands/client-list/).
func clients(t testing.TB, s *testServer, flag string) (n int) {
	t.Helper()
	for line := range strings.Lines(s.do(t, "CLIENT", "LIST").(string)) {
		_, flags, _ := strings.Cut(line, " flags=")
		flags, _, _ = strings.Cut(flags, " ")
		if strings.Contains(flags, flag) {
			n++
		}
	}
	return n
}

// begun begins a transfer, which the end of the test closes.
func begun(t testing.TB, d *Data, from deploy.Slice) deploy.Transfer {
	t.Helper()
	session, err := d.Begin(t.Context(), from, from.Other())
	testkit.Must(t, err)
	t.Cleanup(func() { session.Close() })
	return session
}

// copied goes the way of a cutover up to the end of Copy.
func copied(t testing.TB, d *Data, from deploy.Slice) deploy.Transfer {
	t.Helper()
	session := begun(t, d, from)
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return session
}

// settled goes the way of a cutover up to the end of Settle.
func settled(t testing.TB, d *Data, from deploy.Slice) deploy.Transfer {
	t.Helper()
	session := copied(t, d, from)
	if _, err := session.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return session
}

func TestTurn_RoundsThatRunOutOfTime_LeaveNoConnection(t *testing.T) {
	t.Parallel()
	r := testkit.Random(t)
	blue, green := startRedis(t), startRedis(t)
	for range testkit.Rounds(t, 6) {
		d := startedMirror(t, newData(t, blue, green, "images"))
		session := settled(t, d, deploy.Blue)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(4000))*time.Microsecond)
		session.Turn(ctx)
		cancel()
		session.Close()
		d.Mirror("")
		if err := d.Open(t.Context(), deploy.Blue); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*testServer{blue, green} {
		testkit.Eventually(t, "all connections but the test's own are closed", func() bool { return clients(t, s, "") == 1 })
	}
}

// setLongNames sets a thousand keys with names of a kilobyte.
var setLongNames = redis.NewScript(`
for i = 1, 1000 do redis.call('SET', i .. string.rep('x', 1000), i) end
return true`)

func TestACutoverThatWaitsOrWasCalledOffFillsNoMemory(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "*"))
	session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	testkit.Must(t, err)
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n := clients(t, from, "t"); n != 1 {
		t.Fatalf("%d connections watch the source", n)
	}
	for range 20 { // 20 MB of names, more than the kernel takes for a connection that nobody reads
		testkit.Must(t, setLongNames.Run(t.Context(), from, nil).Err())
	}
	testkit.Eventually(t, "the source keeps nothing for the connection that watches it", func() bool {
		for line := range strings.Lines(from.do(t, "CLIENT", "LIST").(string)) {
			if strings.Contains(line, " flags=t") && strings.Contains(line, " omem=0 ") {
				return true
			}
		}
		return false
	})
	session.Close()
	testkit.Eventually(t, "nothing watches the source any more", func() bool { return clients(t, from, "t") == 0 })
	testkit.Eventually(t, "nobody follows the target any more", func() bool { return clients(t, to, "S") == 0 })
}

func TestACutoverThatWasCalledOffIsForgottenByAMirrorThatIsBusyToo(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "images"))
	session := copied(t, d, deploy.Blue)
	to.process.Signal(syscall.SIGSTOP)
	testkit.Eventually(t, "the mirror waits for the standby", func() bool {
		from.RPush(t.Context(), "images", "a")
		return d.Mirrored().LagMS > 500
	})
	if err := session.Close(); err != nil {
		t.Error(err)
	}
	to.process.Signal(syscall.SIGCONT)
	testkit.Eventually(t, "nothing watches the source any more", func() bool { return clients(t, from, "t") == 0 })
}

func TestSettle_RoundsThatRunOutOfTime_CostNoCopy(t *testing.T) {
	t.Parallel()
	r := testkit.Random(t)
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "images", 20_000, 100)
	d := startedMirror(t, newData(t, from, to, "images"))
	for i := range testkit.Rounds(t, 8) {
		session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
		testkit.Must(t, err)
		if _, err := session.Copy(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(2000))*time.Microsecond)
		if _, err := session.Settle(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		cancel()
		if err := session.Close(); err != nil {
			t.Error(err)
		}
		from.RPush(t.Context(), "images", i)
		testkit.Eventually(t, "the write arrives", func() bool { return to.LLen(t.Context(), "images").Val() == int64(20_001+i) })
	}
	if n := d.Mirrored().Resyncs; n != 1 {
		t.Errorf("%d copies were made", n)
	}
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	requireEqualKeys(t, from, to, []string{"images"})
}

func TestACopyInTheMirrorsPlaceMayBeRepeated(t *testing.T) {
	t.Parallel()
	from, to := without(t, "PSYNC"), startRedis(t)
	d := newData(t, from, to, "images")
	t.Cleanup(func() { d.Mirror("") })
	d.Mirror(deploy.Blue)
	session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	testkit.Must(t, err)
	for range 2 {
		if _, err := session.Copy(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the mirror runs again", func() bool { return d.Mirrored().State != deploy.MirrorOff })
}

func TestATurnWithoutASettleIsRefused(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "images"))
	session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	testkit.Must(t, err)
	defer session.Close()
	if _, err := session.Turn(t.Context()); !errors.Is(err, errUnsettled) {
		t.Errorf("Turn returned %v", err)
	}
	if s := d.Mirrored().Fenced; s != "" {
		t.Errorf("%s is said to be fenced", s)
	}
}

func TestASettleOpensTheTargetAndTheStatusSaysSo(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "images"))
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	inStep(t, d)
	settled(t, d, deploy.Green).Close()
	if err := blue.Set(t.Context(), "own", 1, 0).Err(); err != nil {
		t.Error(err)
	}
	if s := d.Mirrored().Fenced; s != "" {
		t.Errorf("%s is said to be fenced", s)
	}
}

func TestATurnWhoseConnectionsAreGoneStillFencesAndTheMirrorComesBack(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "images"))
	session := settled(t, d, deploy.Blue)
	blue.do(t, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	green.RPush(t.Context(), "images", "new")
	if _, err := session.Turn(t.Context()); err == nil {
		t.Error("nothing is told of late writes that could not be seen")
	}
	if s := d.Mirrored().Fenced; s != deploy.Blue {
		t.Errorf("%q is said to be fenced", s)
	}
	testkit.Eventually(t, "blue follows", func() bool { return blue.LLen(t.Context(), "images").Val() == 1 })
}
