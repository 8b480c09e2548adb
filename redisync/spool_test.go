package redisync

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestTheEndOfASpoolIsHeardAfterAllThatIsInIt(t *testing.T) {
	s, lost := newSpool(), errors.New("lost")
	s.put([]byte("data"))
	s.finish(lost) // rings once for both
	<-s.ready
	if data, _, err := s.take(nil); string(data) != "data" || err != nil {
		t.Fatalf("took %q, %v", data, err)
	}
	select {
	case <-s.ready:
	default:
		t.Fatal("nobody hears that it has ended")
	}
	if _, _, err := s.take(nil); !errors.Is(err, lost) {
		t.Errorf("it ended with %v", err)
	}
}

// A disk on which nothing can be kept costs the mirror its link, and a copy when the standby takes writes again.
func TestAStandbyThatIsTooSlowForTheDiskCatchesUpByACopy(t *testing.T) {
	from, to := startRedis(t), startRedis(t)
	full := filepath.Join(t.TempDir(), "full")
	t.Setenv("TMPDIR", full) // does not exist
	d := startedMirror(t, newData(t, from, to, "images"))
	to.do(t, "CONFIG", "SET", "maxmemory", "1")
	pushList(t, from, "images", 80_000, 100) // more than what is kept in memory
	testkit.Eventually(t, "the mirror is broken", func() bool { return d.Mirrored().State == deploy.MirrorBroken })
	to.do(t, "CONFIG", "SET", "maxmemory", "0")
	testkit.Eventually(t, "everything arrives", func() bool { return to.LLen(t.Context(), "images").Val() == 80_000 })
	inStep(t, d)
	if err := os.Mkdir(full, 0o700); err != nil { // for what the cutover keeps
		t.Fatal(err)
	}
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	requireEqualKeys(t, from, to, []string{"images"})
}
