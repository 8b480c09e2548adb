package redisync

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

var _ deploy.Data = (*Data)(nil)

func TestEveryTypeArrivesExactly(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	everything(t, from, "")
	copied, settled := move(t, newData(t, from, to, "*"))
	requireEqual(t, from, to)
	if n := int64(len(contents(t, from))); copied.Keys != n || settled.Compared != n {
		t.Errorf("copied %d and compared %d of %d keys", copied.Keys, settled.Compared, n)
	}
	if settled.Keys != 0 {
		t.Errorf("settling copied %d keys though nothing had changed", settled.Keys)
	}
}

func TestSettleAloneBringsEverythingOver(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	everything(t, from, "")
	to.do(t, "SET", "surplus", "x")
	report, err := begin(t, newData(t, from, to, "*")).Settle(t.Context())
	testkit.Must(t, err)
	requireEqual(t, from, to)
	if n := from.DBSize(t.Context()).Val(); report.Keys != n || report.Removed != 1 || report.Compared != n {
		t.Errorf("of %d keys the report tells %+v", n, report)
	}
}

func TestOnlySelectedKeysAreTouched(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	for _, key := range []string{"images", "session:1", "session:2", "cache:1", "other", "__verdigris:mirror"} {
		from.do(t, "SET", key, "live")
	}
	for _, key := range []string{"images", "session:1", "session:9", "gone", "cache:1", "cache:2", "__verdigris:mirror"} {
		to.do(t, "SET", key, "idle")
	}
	live := contents(t, from)
	copied, _ := move(t, newData(t, from, to, "images", "gone", "session:*", "sess*"))
	requireContents(t, live, contents(t, from))
	got := map[string]string{}
	for _, key := range to.Keys(t.Context(), "*").Val() {
		got[key] = to.Get(t.Context(), key).Val()
	}
	requireContents(t, map[string]string{
		"images": "live", "session:1": "live", "session:2": "live",
		"cache:1": "idle", "cache:2": "idle", "__verdigris:mirror": "idle",
	}, got)
	if copied.Keys != 3 || copied.Removed != 2 {
		t.Errorf("the report tells %+v", copied)
	}
}

func TestAGlobForEverythingLeavesOurOwnKeysAlone(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	from.do(t, "SET", "__verdigris:mirror", "source")
	from.do(t, "SET", "a", "1")
	to.do(t, "SET", "__verdigris:other", "target")
	move(t, newData(t, from, to, "*"))
	if to.Exists(t.Context(), "__verdigris:mirror").Val() != 0 || to.Get(t.Context(), "__verdigris:other").Val() != "target" {
		t.Error("keys of verdigris itself were moved")
	}
}

func TestNothingSelectedAndNothingThereIsNoError(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	to.do(t, "SET", "cache", "x")
	for _, keys := range [][]string{{}, {"images"}, {"none:*"}} {
		copied, settled := move(t, newData(t, from, to, keys...))
		if copied.Keys+copied.Removed+settled.Keys+settled.Removed != 0 {
			t.Errorf("%v: the reports tell %+v and %+v", keys, copied, settled)
		}
	}
	if to.DBSize(t.Context()).Val() != 1 {
		t.Error("the target was touched")
	}
}

func TestAKeyThatChangedItsTypeIsReplaced(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "a", 20_000, 20)
	to.do(t, "SET", "a", "string")
	from.do(t, "SET", "b", "string")
	pushList(t, to, "b", 20_000, 20)
	from.do(t, "SET", "c", item(1, 200<<10))
	to.do(t, "HSET", "c", "f", "v")
	move(t, newData(t, from, to, "a", "b", "c"))
	requireEqual(t, from, to)
}

func TestExpiriesAreKeptToTheMillisecondAndRemoved(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	for _, s := range []*testServer{from, to} {
		pushList(t, s, "list", 20_000, 20)
		s.do(t, "SET", "string", "v")
		s.do(t, "SET", "kept", "v")
	}
	at := time.Now().Add(time.Hour).UnixMilli()
	from.do(t, "PEXPIREAT", "list", at+1)
	from.do(t, "PEXPIREAT", "string", at+2)
	to.do(t, "PEXPIREAT", "kept", at)
	report, err := begin(t, newData(t, from, to, "*")).Settle(t.Context())
	testkit.Must(t, err)
	requireEqual(t, from, to)
	if report.Keys != 3 {
		t.Errorf("%d keys were copied for their expiry alone", report.Keys)
	}
}

func TestKeysThatExpireMeanwhileAreNoDifference(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	from.pipe(t, func(p redis.Pipeliner) {
		for i := range 5000 {
			p.Set(t.Context(), fmt.Sprint("k", i), "v", time.Duration(1+i/4)*time.Millisecond)
		}
	})
	d := newData(t, from, to, "*")
	session := begin(t, d)
	for range 5 {
		if _, err := session.Copy(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSettleCopiesOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	everything(t, from, "")
	session := begin(t, newData(t, from, to, "*"))
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	from.pipe(t, func(p redis.Pipeliner) {
		p.LSet(ctx, "list:large", 10_000, "changed")
		p.HSet(ctx, "hash:large", "field77", "changed")
		p.SRem(ctx, "set:large", item(3, 40))
		p.SAdd(ctx, "set:large", "another")
		p.ZIncrBy(ctx, "zset:large", 1, item(3, 40))
		p.SetRange(ctx, "string:large", 299<<10, "changed")
		p.XAck(ctx, "stream:large", "readers", from.XRangeN(ctx, "stream:large", "-", "+", 1).Val()[0].ID)
		p.HSet(ctx, "hash", "f", "changed")
		p.Del(ctx, "string")
		p.Set(ctx, "new", "v", 0)
	})
	report, err := session.Settle(ctx)
	testkit.Must(t, err)
	requireEqual(t, from, to)
	if report.Keys != 8 || report.Removed != 1 {
		t.Errorf("the report tells %+v", report)
	}
}

func TestManySmallKeysOfAllTypes(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	const keys = 20_000
	smallKeys(t, from, keys)
	copied, settled := move(t, newData(t, from, to, "small:*"))
	if copied.Keys != keys || settled.Compared != keys || settled.Keys != 0 {
		t.Errorf("the reports tell %+v and %+v", copied, settled)
	}
	if a, b := digest(t, from), digest(t, to); a != b {
		t.Errorf("redis' own digests differ: %s and %s", a, b)
	}
}

func digest(t *testing.T, s *testServer) string {
	t.Helper()
	return s.do(t, "DEBUG", "DIGEST").(string)
}

func TestAListOf100000Items(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "images", 100_000, 100)
	pushList(t, to, "images", 10, 10)
	var told []deploy.CopyProgress
	session := begin(t, newData(t, from, to, "images"))
	report, err := session.Copy(t.Context(), func(p deploy.CopyProgress) { told = append(told, p) })
	testkit.Must(t, err)
	to.do(t, "UNLINK", report.Kept.Below+"images")
	if digest(t, from) != digest(t, to) {
		t.Error("redis' own digests differ")
	}
	last := deploy.CopyProgress{Keys: 1, KeysTotal: 1, Bytes: 10_000_000}
	if len(told) == 0 || told[len(told)-1] != last || report.Bytes != last.Bytes || report.Keys != 1 {
		t.Errorf("progress %v, report %+v", told, report)
	}
	requireNothingLeft(t, from, to)
}

// requireNothingLeft demands that no key of our own remains.
func requireNothingLeft(t *testing.T, servers ...*testServer) {
	t.Helper()
	for _, s := range servers {
		testkit.Eventually(t, "our own keys are gone", func() bool {
			left := slices.DeleteFunc(s.Keys(context.Background(), ownPrefix+"*").Val(), func(key string) bool { return strings.HasPrefix(key, keptPrefix) })
			return len(left) == 0
		})
	}
}
