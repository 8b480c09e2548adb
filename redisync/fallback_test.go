package redisync

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/internal/testkit"
)

// without starts a redis that lacks commands, as older versions and restricted servers do.
func without(t *testing.T, commands ...string) *testServer {
	t.Helper()
	var options []string
	for _, command := range commands {
		options = append(options, "--rename-command", command, "")
	}
	return startRedis(t, options...)
}

func TestExpiriesSurviveOnServersThatTellTheTimeLeft(t *testing.T) {
	t.Parallel()
	from, to := without(t, "PEXPIRETIME"), startRedis(t)
	at := time.Now().Add(time.Hour).UnixMilli()
	for i := range 500 {
		from.do(t, "SET", fmt.Sprint("k", i), i, "PXAT", at+int64(i))
	}
	pushList(t, from, "list", 20_000, 50)
	from.do(t, "PEXPIREAT", "list", at)
	move(t, newData(t, from, to, "*"))
	for i := range 500 {
		got := to.PExpireTime(t.Context(), fmt.Sprint("k", i)).Val().Milliseconds()
		if off := got - at - int64(i); off < -50 || off > 50 {
			t.Errorf("the expiry of k%d is off by %d ms", i, off)
		}
	}
	if got := to.PExpireTime(t.Context(), "list").Val().Milliseconds(); got < at-50 || got > at+50 {
		t.Errorf("the expiry of the list is off by %d ms", got-at)
	}
}

func TestLargeValuesTravelWholeWhereThereIsNoCopy(t *testing.T) {
	t.Parallel()
	from, to := without(t, "COPY"), startRedis(t)
	everything(t, from, "")
	session := begin(t, newData(t, from, to, "*"))
	if session.from.can.snapshot {
		t.Fatal("COPY was found though it is not there")
	}
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	requireEqual(t, from, to)
}

func TestLargeValuesTravelWholeWhereTheSourceHasNoRoomForASnapshot(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "images", 50_000, 100)
	from.do(t, "CONFIG", "SET", "maxmemory", "9mb")
	from.do(t, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	move(t, newData(t, from, to, "images"))
	if n := from.LLen(t.Context(), "images").Val(); n != 50_000 {
		t.Errorf("the source was left with %d items", n)
	}
	if n := to.LLen(t.Context(), "images").Val(); n != 50_000 {
		t.Errorf("%d items arrived", n)
	}
}

func TestValuesAreRebuiltWhereThePayloadsDoNotFit(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	everything(t, from, "")
	for _, stream := range from.Keys(t.Context(), "stream*").Val() {
		from.do(t, "DEL", stream)
	}
	session := begin(t, newData(t, from, to, "*"))
	session.payloads.Store(false)
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	requireEqual(t, from, to)
	requireNothingLeft(t, from, to)
}

// It has the process for itself, whose memory it measures.
func TestACopyTakesLittleMemory(t *testing.T) {
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "list", 4000, 10<<10)
	smallKeys(t, from, 20_000)
	fill(t, from, fillString, "string", 40<<20)
	session := begin(t, newData(t, from, to, "list", "string", "small:*"))
	runtime.GC()
	before, most := heap(), atomic.Uint64{}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				most.Store(max(most.Load(), heap()))
			}
		}
	}()
	_, err := session.Copy(t.Context(), nil)
	if err == nil {
		_, err = session.Settle(t.Context())
	}
	close(stop)
	<-stopped
	testkit.Must(t, err)
	if grown := int64(most.Load()) - int64(before); grown > 32<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
