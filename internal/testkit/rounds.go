package testkit

import (
	"iter"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Soaking reports whether the tests run as a soak (make soak): VERDIGRIS_SOAK is the time that each random test may use,
// such as 5m.
func Soaking() bool { return soakBudget() > 0 }

func soakBudget() time.Duration {
	d, err := time.ParseDuration(os.Getenv("VERDIGRIS_SOAK"))
	if err != nil {
		return 0
	}
	return d
}

// Rounds yields the numbers of a random test's rounds, beginning with 0: few of them in a usual run, as many as the time
// allows in a soak. It ends early when the test has failed. The test has Rounds in its name, by which make soak finds it.
func Rounds(t testing.TB, few int) iter.Seq[int] {
	t.Helper()
	if !strings.Contains(t.Name(), "Rounds") {
		t.Fatalf("%s has random rounds, and Rounds is not in its name: make soak would not find it", t.Name())
	}
	budget := soakBudget()
	return func(yield func(int) bool) {
		t.Helper()
		begun, done := time.Now(), 0
		for (done < few || time.Since(begun) < budget) && !t.Failed() && yield(done) {
			done++
		}
		t.Logf("%d rounds in %s", done, time.Since(begun).Round(time.Millisecond))
	}
}

// Random returns a source of random numbers and logs its seed. VERDIGRIS_SEED repeats a run.
func Random(t testing.TB) *rand.Rand {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("VERDIGRIS_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("VERDIGRIS_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
