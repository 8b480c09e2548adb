package redisync

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
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
	if err != nil {
		t.Fatal(err)
	}
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

func TestATurnThatRunsOutOfTimeLeavesNoConnectionBehind(t *testing.T) {
	blue, green := startRedis(t), startRedis(t)
	for i := range 20 {
		d := startedMirror(t, newData(t, blue, green, "images"))
		session := settled(t, d, deploy.Blue)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*200*time.Microsecond)
		session.Turn(ctx)
		cancel()
		session.Close()
		d.Mirror("")
		if err := d.Open(t.Context(), deploy.Blue); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*testServer{blue, green} {
		eventually(t, "all connections but the test's own are closed", func() bool { return clients(t, s, "") == 1 })
	}
}

func TestACutoverThatWaitsOrWasCalledOffFillsNoMemory(t *testing.T) {
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "*"))
	session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n := clients(t, from, "t"); n != 1 {
		t.Fatalf("%d connections watch the source", n)
	}
	from.pipe(t, func(p redis.Pipeliner) {
		for i := range 400_000 {
			p.Set(context.Background(), fmt.Sprint("a key with a long name ", i%1000), i, 0)
		}
	})
	eventually(t, "the source keeps nothing for the connection that watches it", func() bool {
		for line := range strings.Lines(from.do(t, "CLIENT", "LIST").(string)) {
			if strings.Contains(line, " flags=t") && strings.Contains(line, " omem=0 ") {
				return true
			}
		}
		return false
	})
	session.Close()
	eventually(t, "nothing watches the source any more", func() bool { return clients(t, from, "t") == 0 })
	eventually(t, "nobody follows the target any more", func() bool { return clients(t, to, "S") == 0 })
}

func TestACutoverThatWasCalledOffIsForgottenByAMirrorThatIsBusyToo(t *testing.T) {
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "images"))
	session := copied(t, d, deploy.Blue)
	to.process.Signal(syscall.SIGSTOP)
	eventually(t, "the mirror waits for the standby", func() bool {
		from.RPush(t.Context(), "images", "a")
		return d.Mirrored().LagMS > 500
	})
	if err := session.Close(); err != nil {
		t.Error(err)
	}
	to.process.Signal(syscall.SIGCONT)
	eventually(t, "nothing watches the source any more", func() bool { return clients(t, from, "t") == 0 })
}

func TestASettleThatRunsOutOfTimeCostsNoCopy(t *testing.T) {
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "images", 20_000, 100)
	d := startedMirror(t, newData(t, from, to, "images"))
	for i := range 20 {
		session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session.Copy(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*100*time.Microsecond)
		if _, err := session.Settle(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		cancel()
		if err := session.Close(); err != nil {
			t.Error(err)
		}
		from.RPush(t.Context(), "images", i)
		eventually(t, "the write arrives", func() bool { return to.LLen(t.Context(), "images").Val() == int64(20_001+i) })
	}
	if n := d.Mirrored().Resyncs; n != 1 {
		t.Errorf("%d copies were made", n)
	}
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	requireEqualKeys(t, from, to, []string{"images"})
}

func TestACopyInTheMirrorsPlaceMayBeRepeated(t *testing.T) {
	from, to := without(t, "PSYNC"), startRedis(t)
	d := newData(t, from, to, "images")
	t.Cleanup(func() { d.Mirror("") })
	d.Mirror(deploy.Blue)
	session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := session.Copy(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mirror runs again", func() bool { return d.Mirrored().State != deploy.MirrorOff })
}

func TestATurnWithoutASettleIsRefused(t *testing.T) {
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "images"))
	session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Turn(t.Context()); !errors.Is(err, errUnsettled) {
		t.Errorf("Turn returned %v", err)
	}
	if s := d.Mirrored().Fenced; s != "" {
		t.Errorf("%s is said to be fenced", s)
	}
}

func TestASettleOpensTheTargetAndTheStatusSaysSo(t *testing.T) {
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
	eventually(t, "blue follows", func() bool { return blue.LLen(t.Context(), "images").Val() == 1 })
}
