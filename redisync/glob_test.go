package redisync

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"verdigris/internal/testkit"
)

func TestGlobsMatchAsInRedis(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"**", "", false}, {"", "", true}, {"", "a", false},
		{"images", "images", true}, {"images", "image", false}, {"image", "images", false},
		{"session:*", "session:", true}, {"session:*", "session:1", true}, {"session:*", "sessions:1", false},
		{"*:1", "a:1:1", true}, {"a*b*c", "abbbcbc", true}, {"a*b*c", "abbbcb", false},
		{"h?llo", "hello", true}, {"h?llo", "hllo", false},
		{"h[ae]llo", "hallo", true}, {"h[ae]llo", "hillo", false}, {"h[^e]llo", "hello", false}, {"h[^e]llo", "hallo", true},
		{"h[a-b]llo", "hbllo", true}, {"h[b-a]llo", "hallo", true}, {"h[a-b]llo", "hcllo", false},
		{`a\*b`, "a*b", true}, {`a\*b`, "axb", false}, {`[\]]`, "]", true}, {`a\`, `a\`, true},
		{"[", "[", false}, {"[^", "x", true}, {"[abc", "c", true}, {"[a-", "-", true}, {"[a-]", "]", true},
	} {
		if got := matchGlob(c.pattern, c.name); got != c.want {
			t.Errorf("matchGlob(%q, %q) = %t", c.pattern, c.name, got)
		}
	}
}

// A real redis is the judge over random patterns on random names.
func TestGlob_RoundsOfRandomPatterns_FindWhatKeysFinds(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	r := testkit.Random(t)
	var names []string
	s.pipe(t, func(p redis.Pipeliner) {
		for range 400 {
			name := randomText(r, "abc-^]*?[\\", 8)
			names = append(names, name)
			p.Set(context.Background(), name, "", 0)
		}
	})
	slices.Sort(names)
	names = slices.Compact(names)
	for range testkit.Rounds(t, 1000) {
		requireSameKeys(t, s, names, randomText(r, "aabbcc--^]]**??[[\\", 8))
	}
}

// Where two patterns find one of many names they meet; and where they meet, of all short names there is one that both find.
func TestGlobsMeet_RoundsOfRandomPatterns_AgreeWithAllShortNames(t *testing.T) {
	t.Parallel()
	r := testkit.Random(t)
	var names []string
	for _, length := range []int{1, 2, 3, 4, 5, 6} {
		for n := range 1 << length { // of a and b
			name := make([]byte, length)
			for i := range name {
				name[i] = "ab"[n>>i&1]
			}
			names = append(names, string(name))
		}
	}
	for range testkit.Rounds(t, 3000) {
		a, b := "a"+randomText(r, "ab*?", 4), randomText(r, "ab*?", 4)+"b"
		both := slices.ContainsFunc(names, func(name string) bool { return matchGlob(a, name) && matchGlob(b, name) })
		if meet := globsMeet(a, b); both != meet && (both || len(a)+len(b) <= 6) {
			t.Errorf("%q and %q meet: %t, and a name that both find is there: %t", a, b, meet, both)
		}
	}
}

func randomText(r *rand.Rand, alphabet string, most int) string {
	b := make([]byte, r.IntN(most+1))
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func requireSameKeys(t testing.TB, s *testServer, names []string, pattern string) {
	t.Helper()
	want := s.Keys(context.Background(), pattern).Val()
	slices.Sort(want)
	var got []string
	for _, name := range names {
		if matchGlob(pattern, name) {
			got = append(got, name)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%q: redis finds %q, matchGlob %q", pattern, want, got)
	}
}

func FuzzGlob(f *testing.F) {
	s := startRedis(f)
	f.Add("h[a-c]*o", "hello")
	f.Add(`\[^`, "[^")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern)+len(name) > 1000 || mixesHighRange(pattern) {
			return
		}
		s.do(t, "FLUSHALL")
		s.do(t, "SET", name, "")
		requireSameKeys(t, s, []string{name}, pattern)
	})
}

// mixesHighRange tells of patterns with bytes above 0x7f beside a '-': whether char is signed, and with it what
// such a range means, depends on the machine that redis was built for.
func mixesHighRange(pattern string) bool {
	high := slices.ContainsFunc([]byte(pattern), func(b byte) bool { return b > 0x7f })
	return high && slices.Contains([]byte(pattern), '-')
}
