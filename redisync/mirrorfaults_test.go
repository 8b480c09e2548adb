package redisync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// mirrorProcess tells the test program to be a mirror between two addresses, and nothing else, until it is killed.
const mirrorProcess = "VERDIGRIS_TEST_MIRROR"

func TestMain(m *testing.M) {
	if settings := os.Getenv(mirrorProcess); settings != "" {
		beMirror(strings.Split(settings, " "))
	}
	code := m.Run()
	removeContainers()
	os.Exit(code)
}

func beMirror(settings []string) {
	d, err := New(Settings{Keys: settings[2:], Sides: map[deploy.Slice]Side{
		deploy.Blue: {Address: At(settings[0])}, deploy.Green: {Address: At(settings[1])},
	}})
	if err != nil {
		panic(err)
	}
	d.Mirror(deploy.Blue)
	select {}
}

// startProcess runs a mirror in a process of its own.
func startProcess(t testing.TB, from, to *testServer, keys ...string) *os.Process {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), mirrorProcess+"="+strings.Join(append([]string{from.address, to.address}, keys...), " "))
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	return command.Process
}

func kill(t testing.TB, p *os.Process) {
	t.Helper()
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.Wait()
}

func TestMirror_RoundsOfKills_LosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	r := testkit.Random(t)
	for round := range testkit.Rounds(t, 2) {
		fenced := round%2 == 0
		t.Run(fmt.Sprintf("round %d, fenced %t", round, fenced), func(t *testing.T) { killMirrors(t, r, fenced) })
	}
}

// killMirrors kills one mirror after another, each further on its way than the one before, and compares both sides then.
func killMirrors(t *testing.T, r *rand.Rand, fenced bool) {
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "s:list0", 2000, 50)
	if fenced {
		fenceOff(t, from, to)
	}
	writes := mix(t, from, 2, r.Uint64())
	for i := range 6 {
		p := startProcess(t, from, to, stressKeys...)
		if i > 0 {
			testkit.Eventually(t, "it follows the source", func() bool { return clients(t, from, "S") > 0 })
		}
		if i > 2 {
			from.do(t, "SET", "s:mark", i)
			testkit.Eventually(t, "it mirrors", func() bool { return to.Get(t.Context(), "s:mark").Val() == fmt.Sprint(i) })
		}
		writes.more(t, r.IntN(60))
		kill(t, p)
		testkit.Eventually(t, "the source has noticed", func() bool { return clients(t, from, "S") == 0 })
	}
	d := startedMirror(t, newData(t, from, to, stressKeys...))
	requireExact(t, d, writes, from, to)
}

// fenceOff keeps the app of green from writing, as a cutover to blue does.
func fenceOff(t testing.TB, from, to *testServer) {
	t.Helper()
	session := begin(t, newData(t, from, to, "s:*"))
	if err := session.to.fence(t.Context(), session.from); err != nil {
		t.Fatal(err)
	}
	session.Close()
}

func TestANewProcessGoesOnWhereTheLastLeftOff(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "images", 50_000, 100)
	fenceOff(t, from, to)
	startedMirror(t, newData(t, from, to, "images")).Mirror("")
	for i := range 100 {
		from.LPush(t.Context(), "images", i)
	}
	d := startedMirror(t, newData(t, from, to, "images"))
	if s := d.Mirrored(); s.Resyncs != 0 || s.Fenced != deploy.Green {
		t.Errorf("it did not go on where the last one left off: %+v", s)
	}
	testkit.Eventually(t, "the writes arrive", func() bool { return to.LLen(t.Context(), "images").Val() == 50_100 })
	requireEqualKeys(t, from, to, []string{"images"})
}

func TestANewProcessDoesNotGoOnForOtherKeys(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	from.Set(t.Context(), "more", 1, 0)
	fenceOff(t, from, to)
	startedMirror(t, newData(t, from, to, "images")).Mirror("")
	startedMirror(t, newData(t, from, to, "images", "more"))
	requireEqualKeys(t, from, to, []string{"images", "more"})
}

func TestANewProcessThatComesTooLateToGoOnBeginsAnew(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t, "--repl-backlog-size", "16384"), startRedis(t)
	fenceOff(t, from, to)
	startedMirror(t, newData(t, from, to, "images")).Mirror("")
	pushList(t, from, "images", 5000, 100)
	d := newData(t, from, to, "images")
	t.Cleanup(func() { d.Mirror("") })
	d.Mirror(deploy.Blue)
	testkit.Eventually(t, "it is in step", func() bool {
		s := d.Mirrored()
		if s.Reason != "" {
			t.Fatalf("it is %s: %s", s.State, s.Reason)
		}
		return s.State == deploy.MirrorInStep
	})
	requireEqualKeys(t, from, to, []string{"images"})
}

func TestAStandbyThatWasWrittenToMeanwhileIsMadeEqualAgain(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "images", 1000, 100)
	startedMirror(t, newData(t, from, to, "images")).Mirror("")
	to.LPop(t.Context(), "images") // nobody looks
	to.RPush(t.Context(), "images", "stray")
	startedMirror(t, newData(t, from, to, "images"))
	requireEqualKeys(t, from, to, []string{"images"})
}

func TestAStandbyOutOfMemoryIsToldAndCatchesUp(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "images"))
	to.do(t, "CONFIG", "SET", "maxmemory", "1")
	pushList(t, from, "images", 5000, 100)
	testkit.Eventually(t, "the mirror says that it is broken", func() bool { return d.Mirrored().State == deploy.MirrorBroken })
	if s := d.Mirrored(); !strings.Contains(s.Reason, "redis of green") || !strings.Contains(s.Reason, "OOM") || !strings.Contains(s.Next, "maxmemory") {
		t.Errorf("the status explains too little: %+v", s)
	}
	to.do(t, "CONFIG", "SET", "maxmemory", "0")
	inStep(t, d)
	testkit.Eventually(t, "everything arrives", func() bool { return to.LLen(t.Context(), "images").Val() == 5000 })
	requireEqualKeys(t, from, to, []string{"images"})
	if n := d.Mirrored().Resyncs; n != 1 {
		t.Errorf("%d copies were made", n)
	}
}

func TestASourceThatWasFencedOnceAndRestartsIsMirroredAgain(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "images"))
	for _, live := range []deploy.Slice{deploy.Blue, deploy.Green} {
		cutOver(t, d, live, func(settle func()) { settle() })
		inStep(t, d)
	}
	blue.restart(t) // and it has no users but its own
	testkit.Eventually(t, "the write is taken", func() bool { return blue.RPush(t.Context(), "images", "new").Err() == nil })
	testkit.Eventually(t, "the write arrives", func() bool { return green.LLen(t.Context(), "images").Val() == 1 })
	inStep(t, d)
}

func TestACutoverRightAfterTheSourceRestartedWaitsForTheMirror(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "images"))
	for _, live := range []deploy.Slice{deploy.Blue, deploy.Green} {
		cutOver(t, d, live, func(settle func()) { settle() })
		inStep(t, d)
	}
	blue.restart(t) // what it knew of our user is gone, and the mirror may not have noticed yet
	testkit.Eventually(t, "the write is taken", func() bool { return blue.RPush(t.Context(), "images", "new").Err() == nil })
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	if n := green.LLen(t.Context(), "images").Val(); n != 1 {
		t.Errorf("%d items have moved, want 1", n)
	}
}

func TestACutoverIsRefusedAtOnceWhereTheSourceRefuses(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "images"))
	from.do(t, "ACL", "SETUSER", "default", "-memory")
	from.do(t, "RPUSH", "images", "new")
	testkit.Eventually(t, "it has arrived, and is to be compared", func() bool { return to.LLen(t.Context(), "images").Val() == 1 })
	_, err := begun(t, d, deploy.Blue).Copy(t.Context(), nil)
	requireExplained(t, err, "redis of blue", "memory", "ACL SETUSER")
	if asked := from.Info(t.Context(), "commandstats").Val(); !strings.Contains(asked, "rejected_calls=1,") || strings.Contains(asked, "rejected_calls=2,") {
		t.Errorf("it was asked again: %s", asked)
	}
}

func TestACutoverCarriesOutWhatTheStandbyDidNotTakeOrIsRefused(t *testing.T) {
	t.Parallel()
	for what, room := range map[string]int{"it has room again": 0, "it has none still": 1} {
		t.Run(what, func(t *testing.T) {
			from, to := startRedis(t), startRedis(t)
			d := startedMirror(t, newData(t, from, to, "*"))
			session := copied(t, d, deploy.Blue)
			to.do(t, "CONFIG", "SET", "maxmemory", 1)
			from.do(t, "SET", "k", "new") // and nothing comes after it
			testkit.Eventually(t, "it is not taken", func() bool { return d.Mirrored().State == deploy.MirrorBroken })
			to.do(t, "CONFIG", "SET", "maxmemory", room)
			_, err := session.Settle(t.Context())
			if room > 0 {
				requireExplained(t, err, "redis of green", "OOM", "CONFIG SET maxmemory")
				to.do(t, "CONFIG", "SET", "maxmemory", 0)
			} else if got := to.Get(t.Context(), "k").Val(); err != nil || got != "new" {
				t.Errorf("the standby has %q: %v", got, err)
			}
			session.Close()
			inStep(t, d)
			testkit.Eventually(t, "it follows", func() bool { return to.Get(t.Context(), "k").Val() == "new" })
		})
	}
}

func TestACutoverToARedisThatEvictsIsRefused(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "*"))
	session := copied(t, d, deploy.Blue)
	value := strings.Repeat("x", 300)
	for i := range 2000 {
		from.do(t, "SET", fmt.Sprint("k", i), value)
	}
	testkit.Eventually(t, "it has them", func() bool { return to.Exists(t.Context(), "k1999").Val() == 1 })
	to.do(t, "CONFIG", "SET", "maxmemory-policy", "allkeys-random")
	used := info(parseInfo(to.Info(t.Context(), "memory").Val())).number("used_memory")
	to.do(t, "CONFIG", "SET", "maxmemory", used-30<<10)
	if _, err := session.Settle(t.Context()); err == nil {
		t.Error("a redis that evicts keys was taken for equal")
	}
}

func TestACommandWhoseKeysAreNotKnownIsNotLeftOut(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	from.do(t, "ZADD", "z", 1, "a")
	d := startedMirror(t, newData(t, from, to, "*"))
	session := copied(t, d, deploy.Blue)
	from.do(t, "ACL", "SETUSER", "default", "-command|getkeys")
	_, err := from.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
		p.Do(t.Context(), "ZUNIONSTORE", "union", 1, "z") // its keys are asked for
		p.Set(t.Context(), "k", "new", 0)
		return nil
	})
	testkit.Must(t, err)
	if _, err := session.Settle(t.Context()); err == nil { // the mirror has begun anew before
		requireEqualKeys(t, from, to, []string{"*"})
	}
	from.do(t, "ACL", "SETUSER", "default", "+command")
	session.Close()
	testkit.Eventually(t, "both have arrived", func() bool { return to.Exists(t.Context(), "k", "union").Val() == 2 })
	requireEqualKeys(t, from, to, []string{"*"})
}

func TestACutoverToARedisThatTakesNoMoreWritesIsRefused(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "images", 100, 100)
	d := startedMirror(t, newData(t, from, to, "images"))
	to.do(t, "CONFIG", "SET", "maxmemory", "1") // and nothing is written that would show it
	_, err := begun(t, d, deploy.Blue).Copy(t.Context(), nil)
	requireExplained(t, err, "redis of green", "memory", "CONFIG SET maxmemory")
}

func TestAStandbyThatStandsStillHoldsNothingUpAndCatchesUp(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	from.do(t, "CONFIG", "SET", "client-output-buffer-limit", "replica 4mb 4mb 1")
	d := startedMirror(t, newData(t, from, to, "images"))
	if err := to.process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	const pieces, items = 16, 5000
	for range pieces { // 16 MB, more than the source and the kernel keep for a slow replica, and than we keep in memory
		pushList(t, from, "images", items, 200)
		testkit.Eventually(t, "the source is rid of it", func() bool { return keptForReplica(t, from) < 1<<20 })
	}
	testkit.Eventually(t, "the mirror is seen to be behind", func() bool { return d.Mirrored().Behind > spoolMemory })
	if err := to.process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "everything arrives", func() bool { return to.LLen(t.Context(), "images").Val() == pieces*items })
	requireEqualKeys(t, from, to, []string{"images"})
	if s := d.Mirrored(); s.Resyncs != 1 {
		t.Errorf("the mirror had to begin anew: %+v", s)
	}
}

// keptForReplica is how much a server has in memory for its replica.
func keptForReplica(t testing.TB, s *testServer) (bytes int) {
	t.Helper()
	for line := range strings.Lines(s.do(t, "CLIENT", "LIST", "TYPE", "replica").(string)) {
		n, err := strconv.Atoi(parseClient(line)["omem"])
		testkit.Must(t, err)
		bytes += n
	}
	return bytes
}

func TestAPasswordThatChangesIsToldAndTheMirrorComesBackWithIt(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	from.do(t, "ACL", "SETUSER", "app", "on", ">sesame", "~*", "&*", "+@all")
	d := newDataOf(t, Side{Address: At(from.address), Username: "app", Password: "sesame"}, Side{Address: At(to.address)}, "images")
	startedMirror(t, d)
	from.do(t, "ACL", "SETUSER", "app", "resetpass", ">other")
	from.Do(t.Context(), "CLIENT", "KILL", "USER", "app")
	testkit.Eventually(t, "the mirror says that it is broken", func() bool {
		s := d.Mirrored()
		return s.State == deploy.MirrorBroken && strings.Contains(s.Reason, "WRONGPASS") && strings.Contains(s.Next, "data.blue.password")
	})
	if s := fmt.Sprint(d.Mirrored()); strings.Contains(s, "sesame") {
		t.Error("the status tells the password")
	}
	from.do(t, "ACL", "SETUSER", "app", "resetpass", ">sesame")
	from.RPush(t.Context(), "images", "a")
	inStep(t, d)
	testkit.Eventually(t, "the write arrives", func() bool { return to.LLen(t.Context(), "images").Val() == 1 })
}

func TestAMirrorThatTheServersDoNotAllowIsReplacedByCopies(t *testing.T) {
	t.Parallel()
	from, to := without(t, "PSYNC"), startRedis(t)
	pushList(t, from, "images", 1000, 100)
	d := newData(t, from, to, "images")
	t.Cleanup(func() { d.Mirror("") })
	d.Mirror(deploy.Blue)
	testkit.Eventually(t, "it is found to be impossible", func() bool { return d.Mirrored().State == deploy.MirrorImpossible })
	if s := d.Mirrored(); !strings.Contains(s.Reason, "redis of blue") || !strings.Contains(s.Next, "PSYNC") {
		t.Errorf("the status explains too little: %+v", s)
	}
	if late := cutOver(t, d, deploy.Blue, func(settle func()) { settle() }); len(late) > 0 {
		t.Errorf("late writes %q", late)
	}
	requireEqualKeys(t, from, to, []string{"images"})
	inStep(t, d) // the other way round is allowed
	if s := d.Mirrored(); s.From != deploy.Green || s.Fenced != deploy.Blue {
		t.Errorf("the mirror after the cutover: %+v", s)
	}
}

func TestWhatRemovesAllKeysAtOnceIsFollowed(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "images", 1000, 100)
	d := startedMirror(t, newData(t, from, to, "images"))
	to.Set(t.Context(), "own", "kept", 0)
	from.FlushAll(t.Context())
	from.RPush(t.Context(), "images", "only")
	testkit.Eventually(t, "the standby follows", func() bool {
		return strings.Join(to.LRange(t.Context(), "images", 0, -1).Val(), " ") == "only"
	})
	inStep(t, d)
	if to.Get(t.Context(), "own").Val() != "kept" {
		t.Error("a key that is not selected was touched")
	}
	to.FlushAll(t.Context())
	testkit.Eventually(t, "the standby is repaired", func() bool { return to.LLen(t.Context(), "images").Val() == 1 })
}

func TestOtherDatabasesAreLeftAlone(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	other := redis.NewClient(&redis.Options{Addr: from.address, DB: 5})
	defer other.Close()
	ours := redis.NewClient(&redis.Options{Addr: from.address, DB: 3})
	defer ours.Close()
	theirs := redis.NewClient(&redis.Options{Addr: to.address, DB: 1})
	defer theirs.Close()
	ctx := context.Background()
	writes := changing(t, 1, func(int) func(i int) {
		return func(i int) {
			other.RPush(ctx, "images", "wrong")
			ours.RPush(ctx, "images", i)
		}
	})
	d := newDataOf(t, Side{Address: At(from.address), DB: 3}, Side{Address: At(to.address), DB: 1}, "images")
	startedMirror(t, d)
	ours.Copy(ctx, "images", "images", 5, true)
	writes.more(t, 100)
	writes.stop()
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	a, b := ours.LRange(ctx, "images", 0, -1).Val(), theirs.LRange(ctx, "images", 0, -1).Val()
	if len(a) == 0 || strings.Join(a, " ") != strings.Join(b, " ") {
		t.Errorf("%d items on the source, %d on the target", len(a), len(b))
	}
	if n := to.DBSize(ctx).Val(); n != 0 {
		t.Errorf("%d keys came into another database", n)
	}
	if s := d.Mirrored(); s.Fenced != "" || !strings.Contains(s.Unfenced, "database 5") {
		t.Errorf("a server whose other databases are in use was fenced: %+v", s)
	}
}

func TestAFailoverOfTheSourceIsFollowed(t *testing.T) {
	t.Parallel()
	first, second, to := startRedis(t), startRedis(t), startRedis(t)
	pushList(t, first, "images", 1000, 100)
	host, port, _ := strings.Cut(first.address, ":")
	second.do(t, "REPLICAOF", host, port)
	var address atomic.Value
	address.Store(first.address)
	d := newDataOf(t, Side{Address: func(context.Context) (string, error) { return address.Load().(string), nil }}, Side{Address: At(to.address)}, "images")
	startedMirror(t, d)
	first.RPush(t.Context(), "images", "before")
	testkit.Eventually(t, "the replica has it", func() bool { return second.LLen(t.Context(), "images").Val() == 1001 })
	second.do(t, "REPLICAOF", "NO", "ONE")
	address.Store(second.address)
	first.kill()
	second.RPush(t.Context(), "images", "after")
	testkit.Eventually(t, "the mirror follows the new primary", func() bool { return to.LLen(t.Context(), "images").Val() == 1002 })
	inStep(t, d)
	requireEqualKeys(t, second, to, []string{"images"})
}

func TestAMirrorBetweenVersionsIsExact(t *testing.T) {
	t.Parallel()
	pairs := map[string]func(t *testing.T) (from, to *testServer){
		"newer to older":  func(t *testing.T) (*testServer, *testServer) { return newerRedis(t), startRedis(t) },
		"older to newer":  func(t *testing.T) (*testServer, *testServer) { return startRedis(t), newerRedis(t) },
		"redis to valkey": func(t *testing.T) (*testServer, *testServer) { return startRedis(t), valkey(t) },
		"valkey to redis": func(t *testing.T) (*testServer, *testServer) { return valkey(t), startRedis(t) },
	}
	for name, make := range pairs {
		t.Run(name, func(t *testing.T) {
			from, to := make(t)
			pushList(t, from, "s:list0", 30_000, 50)
			writes := mix(t, from, 2, 3)
			d := startedMirror(t, newData(t, from, to, stressKeys...))
			writes.more(t, 300)
			cutOver(t, d, deploy.Blue, func(settle func()) {
				writes.stop()
				settle()
				requireSame(t, from, to)
			})
		})
	}
}

// anyEndsSoon reports whether a key is to end within a minute.
func anyEndsSoon(t testing.TB, s *testServer) bool {
	soon := time.Now().Add(time.Minute).UnixMilli()
	for _, content := range contents(t, s) {
		if endsBefore(content, soon) {
			return true
		}
	}
	return false
}

// requireSame compares the mixer's keys by what they hold.
func requireSame(t testing.TB, from, to *testServer) {
	t.Helper()
	for _, s := range []*testServer{from, to} { // lest one ends after it was read on one side and before it is on the other
		testkit.Eventually(t, "keys that were about to end have ended", func() bool { return !anyEndsSoon(t, s) })
	}
	requireEqualKeys(t, from, to, stressKeys)
}
