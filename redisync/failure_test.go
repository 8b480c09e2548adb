package redisync

import (
	"context"
	"errors"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// Each test here has a large list on the way when the failure comes, and a shorter one on the target before.
const (
	liveItems = 10_000
	idleItems = 100
)

// interrupted copies and calls fail once part of the list has arrived in the temporary key: it goes through a gateway, which
// lets no more than that pass before. target is where the target was found.
func interrupted(t *testing.T, ctx context.Context, from, to *testServer, fail func()) (target string, err error) {
	t.Helper()
	pushList(t, from, "images", liveItems, 1000)
	pushList(t, to, "images", idleItems, 10)
	way := newGateway(t, to.address, 1<<20, func() {
		testkit.Eventually(t, "part of the list has arrived", func() bool {
			return to.LLen(context.Background(), temporaryPrefix+"images").Val() > 100
		})
		fail()
	})
	session := begin(t, newDataOf(t, Side{Address: At(from.address)}, Side{Address: At(way.address)}, "images"))
	_, err = session.Copy(ctx, nil)
	if !way.reached() {
		t.Fatalf("the copy was over before it could be interrupted: %v", err)
	}
	if err == nil {
		t.Fatal("the copy succeeded in spite of the interruption")
	}
	return way.address, err
}

func requireList(t *testing.T, s *testServer, items int64) {
	t.Helper()
	if n, err := s.LLen(t.Context(), "images").Result(); err != nil || n != items {
		t.Errorf("the list has %d items, not %d: %v", n, items, err)
	}
}

func TestACanceledCopyLeavesBothSidesAsTheyWere(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := interrupted(t, ctx, from, to, cancel)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Copy returned %v", err)
	}
	requireList(t, from, liveItems)
	requireList(t, to, idleItems)
	requireNothingLeft(t, from, to)
}

func TestADeadlineIsToldFromACancel(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	session := begin(t, newData(t, from, to, "images", "a*"))
	ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	if _, err := session.Copy(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Copy returned %v", err)
	}
}

func TestASourceThatDiesLeavesTheTargetAsItWas(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	_, err := interrupted(t, t.Context(), from, to, from.kill)
	requireExplained(t, err, "redis of blue", from.address)
	requireList(t, to, idleItems)
	requireNothingLeft(t, to)
}

func TestATargetThatDiesLeavesTheSourceAsItWas(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	target, err := interrupted(t, t.Context(), from, to, to.kill)
	requireExplained(t, err, "redis of green", target)
	requireList(t, from, liveItems)
	requireNothingLeft(t, from)
}

func TestATargetThatRunsOutOfMemoryKeepsItsOldValue(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	_, err := interrupted(t, t.Context(), from, to, func() { to.Do(context.Background(), "CONFIG", "SET", "maxmemory", "4mb") })
	requireExplained(t, err, "redis of green", "OOM", "maxmemory")
	requireList(t, to, idleItems)
	requireNothingLeft(t, from, to)
}

func TestATargetThatEvictsTheTemporaryKeyIsNoticed(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	evicted := func() { to.Do(context.Background(), "UNLINK", temporaryPrefix+"images") }
	_, err := interrupted(t, t.Context(), from, to, evicted)
	requireExplained(t, err, "redis of green", "evicts", "maxmemory")
	requireList(t, to, idleItems)
	requireNothingLeft(t, from, to)
}

func TestSmallKeysThatDoNotFitAreAnErrorThatNamesOne(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	smallKeys(t, from, 20_000)
	session := begin(t, newData(t, from, to, "small:*"))
	to.do(t, "CONFIG", "SET", "maxmemory", "3mb")
	_, err := session.Copy(t.Context(), nil)
	requireExplained(t, err, "redis of green", "OOM", "small:")
	to.do(t, "CONFIG", "SET", "maxmemory", "0")
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatalf("the same session does not recover: %v", err)
	}
	requireEqual(t, from, to)
}

func TestWhatACrashLeftIsReplacedAndExpires(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "images", 20_000, 50)
	from.do(t, "SET", snapshotPrefix+"images", "left")
	to.do(t, "SET", temporaryPrefix+"images", "left")
	move(t, newData(t, from, to, "images"))
	requireEqual(t, from, to)
	requireNothingLeft(t, from, to)
}

func TestOurOwnKeysCarryAnExpiry(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	var left [2]time.Duration
	ctx, cancel := context.WithCancel(t.Context())
	interrupted(t, ctx, from, to, func() {
		left[0] = from.PTTL(context.Background(), snapshotPrefix+"images").Val()
		left[1] = to.PTTL(context.Background(), temporaryPrefix+"images").Val()
		cancel()
	})
	for _, ttl := range left {
		if ttl <= 0 || ttl > ownExpiry {
			t.Errorf("a key of our own would stay for %v", ttl)
		}
	}
}

func TestASessionMayBeClosedTwice(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	session, err := newData(t, from, to, "a").Begin(t.Context(), deploy.Blue, deploy.Green)
	testkit.Must(t, err)
	if err := errors.Join(session.Close(), session.Close()); err != nil {
		t.Error(err)
	}
}
