package redisync

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestKeysMoveToANewerRedis(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), newerRedis(t)
	everything(t, from, "")
	_, settled := move(t, newData(t, from, to, "*"))
	requireEqual(t, from, to)
	if settled.Keys != 0 {
		t.Errorf("settling copied %d keys that were equal", settled.Keys)
	}
}

func TestKeysMoveToAnOlderRedisElementByElement(t *testing.T) {
	t.Parallel()
	from, to := newerRedis(t), startRedis(t)
	everything(t, from, "")
	from.do(t, "DEL", "stream", "stream:large", "stream:emptied")
	session := begin(t, newData(t, from, to, "*"))
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if session.payloads.Load() {
		t.Error("the older server took the newer one's payloads: the test proves nothing")
	}
	settled, err := session.Settle(t.Context())
	if err != nil || settled.Keys != 0 {
		t.Errorf("settling copied %d keys that were equal: %v", settled.Keys, err)
	}
	requireEqual(t, from, to)
}

func TestAStreamThatAnOlderRedisCannotTakeIsNamed(t *testing.T) {
	t.Parallel()
	from, to := newerRedis(t), startRedis(t)
	from.do(t, "XADD", "events", "*", "a", "b")
	_, err := begin(t, newData(t, from, to, "*")).Copy(t.Context(), nil)
	requireExplained(t, err, `"events"`, "stream", "redis of green", "same version")
}

func TestExpiriesOfHashFieldsAreKept(t *testing.T) {
	t.Parallel()
	from, to := newerRedis(t), newerRedis(t)
	at := time.Now().Add(time.Hour).UnixMilli()
	fill := func() {
		from.pipe(t, func(p redis.Pipeliner) {
			for i := range 5000 {
				p.HSet(t.Context(), "large", fmt.Sprint("f", i), item(i, 40))
			}
			p.HSet(t.Context(), "small", "a", "1", "b", "2")
			p.Do(t.Context(), "HPEXPIREAT", "large", at, "FIELDS", 2, "f1", "f4000")
			p.Do(t.Context(), "HPEXPIREAT", "small", at+5, "FIELDS", 1, "b")
		})
	}
	fill()
	session := begin(t, newData(t, from, to, "*"))
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	requireFieldExpiry(t, to, "large", "f4000", at)
	requireFieldExpiry(t, to, "small", "b", at+5)
	requireEqual(t, from, to)

	from.do(t, "HPEXPIREAT", "large", at+9, "FIELDS", 1, "f7")
	to.do(t, "HPERSIST", "small", "FIELDS", 1, "b")
	settled, err := session.Settle(t.Context())
	if err != nil || settled.Keys != 2 {
		t.Errorf("settling copied %d keys: %v", settled.Keys, err)
	}
	requireFieldExpiry(t, to, "large", "f7", at+9)
	requireFieldExpiry(t, to, "small", "b", at+5)

	_, err = begin(t, newData(t, from, startRedis(t), "small")).Copy(t.Context(), nil)
	requireExplained(t, err, `"small"`, "expiry of single hash fields", "same version")
}

func requireFieldExpiry(t *testing.T, s *testServer, key, field string, want int64) {
	t.Helper()
	if got := s.HPExpireTime(t.Context(), key, field).Val(); len(got) != 1 || got[0] != want {
		t.Errorf("field %s of %s ends at %v, not %d", field, key, got, want)
	}
}

func TestKeysMoveBetweenRedisAndValkey(t *testing.T) {
	t.Parallel()
	other := valkey(t)
	here := startRedis(t)
	everything(t, here, "")
	move(t, newData(t, here, other, "*"))
	requireEqual(t, here, other)
	back := startRedis(t)
	if other.Info(t.Context(), "server").Val() == "" {
		t.Fatal("valkey tells nothing of itself")
	}
	other.do(t, "DEL", "stream", "stream:large", "stream:emptied")
	move(t, newData(t, other, back, "*"))
	requireEqual(t, other, back)
}
