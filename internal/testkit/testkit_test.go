package testkit

import (
	"net"
	"strconv"
	"testing"
)

func TestFreePorts_AreFreeAndGivenOutOnce(t *testing.T) {
	given := map[int]bool{}
	for range 20 {
		first := FreePorts(t, 3)
		for port := first; port < first+3; port++ {
			if given[port] {
				t.Errorf("port %d was given out twice", port)
			}
			given[port] = true
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				t.Errorf("port %d is not free: %v", port, err)
				continue
			}
			l.Close()
		}
	}
}

func TestFreePorts_LeavesOutAPortThatIsTaken(t *testing.T) {
	port := FreePort(t)
	if reserve(t, port, 1) {
		t.Errorf("port %d was reserved twice", port)
	}
}

func TestRounds_FewWithoutABudget(t *testing.T) {
	t.Setenv("VERDIGRIS_SOAK", "")
	var got []int
	for i := range Rounds(t, 3) {
		got = append(got, i)
	}
	if len(got) != 3 || got[2] != 2 {
		t.Errorf("rounds %v, want 0 to 2", got)
	}
}

func TestRounds_GoOnForTheBudget(t *testing.T) {
	t.Setenv("VERDIGRIS_SOAK", "20ms")
	rounds := 0
	for range Rounds(t, 1) {
		rounds++
		if rounds == 5 {
			return
		}
	}
	t.Errorf("%d rounds in 20 ms", rounds)
}

func TestRandom_RepeatsBySeed(t *testing.T) {
	t.Setenv("VERDIGRIS_SEED", "7")
	if a, b := Random(t).Uint64(), Random(t).Uint64(); a != b {
		t.Errorf("the same seed gives %d and %d", a, b)
	}
}
