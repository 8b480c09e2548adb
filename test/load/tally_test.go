package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPercentilesAreWithinABucketOfTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []time.Duration
	for range 100_000 {
		d := time.Duration(random.ExpFloat64() * float64(20*time.Millisecond))
		all = append(all, d)
		h.Add(d)
	}
	slices.Sort(all)
	for _, p := range []float64{1, 50, 90, 99, 99.9} {
		want, got := all[int(float64(len(all))*p/100)], h.Percentile(p)
		if got < want || float64(got) > float64(want)*1.04+1000 {
			t.Errorf("p%g is %s, want %s", p, got, want)
		}
	}
	if h.Longest() != all[len(all)-1] || h.Percentile(100) != h.Longest() {
		t.Errorf("longest %s, p100 %s, want %s", h.Longest(), h.Percentile(100), all[len(all)-1])
	}
	if h.Count() != len(all) || len(h.counts) > 1000 {
		t.Errorf("%d counted in %d buckets", h.Count(), len(h.counts))
	}
}

func TestBucketsFollowEachOtherWithoutGaps(t *testing.T) {
	for b := range 1500 {
		if bucket(upper(b)) != b || bucket(upper(b)+time.Microsecond) != b+1 {
			t.Fatalf("bucket %d ends at %s, which is in %d", b, upper(b), bucket(upper(b)))
		}
	}
	if none := (&Histogram{}); none.Percentile(50) != 0 || none.Longest() != 0 {
		t.Error("an empty histogram has times")
	}
}

func TestDifferentFailuresAreToldApartUpToABound(t *testing.T) {
	var tally Tally
	for i := range 100 {
		tally.add(Entry{Err: fmt.Errorf("failure %d", i), Start: time.UnixMilli(int64(i))})
		tally.add(Entry{Err: errors.New("failure 7"), Start: time.UnixMilli(int64(i))})
	}
	if len(tally.Failures) != maxFailures+1 || tally.Failed != 200 {
		t.Fatalf("%d different failures", len(tally.Failures))
	}
	if f := tally.Failures[1]; f.What != "failure 7" || f.Count != 101 || f.First.UnixMilli() != 0 {
		t.Errorf("failure 7: %+v", f)
	}
	if f := tally.Failures[maxFailures]; f.What != otherFailures || f.Count != 80 {
		t.Errorf("the rest: %+v", f)
	}
	if text := tally.String(); !strings.Contains(text, "200, 200 failed; 1x failure 0, first at ") {
		t.Errorf("text: %s", text)
	}
}
