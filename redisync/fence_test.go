package redisync

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// userLines returns how a server writes down its users, our own left out.
func userLines(t testing.TB, s *testServer) []string {
	t.Helper()
	lines, err := s.ACLList(t.Context()).Result()
	testkit.Must(t, err)
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "user "+fenceUser+" ") })
}

func TestAFenceGivesBackExactlyWhatItTook(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	for _, user := range []string{
		"all on nopass ~* &* +@all", "none on nopass -@all", "few on >pass ~a:* ~b:* &chan +get +set +@list -lpop",
		"odd on >pass ~* &* +@all -@dangerous +config|get -@write +hset", "reader on >pass %R~* resetchannels +@read -keys",
		"first on >pass ~* +select|0 +@write", "off off >pass ~* +@all",
	} {
		words := []any{"ACL", "SETUSER"}
		for _, word := range strings.Fields(user) {
			words = append(words, word)
		}
		to.do(t, words...)
	}
	before := userLines(t, to)
	session := begin(t, newData(t, from, to, "images"))
	if err := session.to.fence(t.Context(), session.from); err != nil {
		t.Fatal(err)
	}
	if err := to.Set(t.Context(), "a", 1, 0).Err(); !refusedAs(err, "NOPERM") {
		t.Errorf("a write behind the fence: %v", err)
	}
	if err := session.to.unfence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := userLines(t, to); !slices.Equal(before, after) {
		t.Errorf("users before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

func TestAUserThatIsGoneDoesNotComeBackWithTheRights(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	to.do(t, "ACL", "SETUSER", "gone", "on", "nopass", "+@all")
	fenceOff(t, from, to)
	to.do(t, "ACL", "DELUSER", "gone")
	if err := newData(t, from, to, "images").Open(t.Context(), deploy.Green); err != nil {
		t.Fatal(err)
	}
	if users := userLines(t, to); len(users) != 1 {
		t.Errorf("users: %q", users)
	}
}

func TestWhoWaitsForAJobBehindTheFenceIsSentAway(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "jobs"))
	waiting := redis.NewClient(&redis.Options{Addr: blue.address, MaxRetries: -1})
	defer waiting.Close()
	got := make(chan error, 1)
	go func() { got <- waiting.BLPop(context.Background(), 0, "jobs").Err() }()
	testkit.Eventually(t, "it waits", func() bool { return clients(t, blue, "b") == 1 })
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	if err := <-got; !refusedAs(err, "UNBLOCKED") {
		t.Errorf("who waited for a job got %v", err)
	}
	inStep(t, d)
	green.RPush(t.Context(), "jobs", "one")
	testkit.Eventually(t, "the standby has the job", func() bool { return blue.LLen(t.Context(), "jobs").Val() == 1 })
}

// What the process that died would have left: blue was the standby once, then live, and was fenced a moment ago.
func TestAMarkerOfAnEarlierTimeIsNotGoneOnFrom(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "images"))
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	inStep(t, d)
	testkit.Eventually(t, "blue has a marker", func() bool { return blue.Exists(t.Context(), markerKey).Val() == 1 })
	cutOver(t, d, deploy.Green, func(settle func()) { settle() })
	inStep(t, d)
	for i := range 10 {
		blue.RPush(t.Context(), "images", i)
		testkit.Eventually(t, "green follows", func() bool { return green.LLen(t.Context(), "images").Val() == int64(i+1) })
	}
	d.Mirror("")
	if err := d.Open(t.Context(), deploy.Green); err != nil {
		t.Fatal(err)
	}
	fenceOff(t, green, blue)
	d.Mirror(deploy.Green)
	inStep(t, d)
	green.RPush(t.Context(), "images", "last")
	testkit.Eventually(t, "the last item arrives", func() bool { return blue.LIndex(t.Context(), "images", -1).Val() == "last" })
	requireEqualKeys(t, green, blue, []string{"images"})
}
