package nginx

import (
	"errors"
	"slices"
	"testing"
)

// unixTable is from a router's container.
const unixTable = `Num       RefCount Protocol Flags    Type St Inode Path
000000007ba1d46f: 00000002 00000000 00010000 0001 01 62240 /run/verdigris/router.sock
00000000faecb0d4: 00000003 00000000 00000000 0001 03 62262 /run/verdigris/router.sock
00000000c5a1cf1e: 00000003 00000000 00000000 0001 03 62261
000000002ecbd4ee: 00000002 00000000 00000000 0001 02     0 /run/verdigris/router-streams.sock
0000000055aa55aa: 00000003 00000000 00000000 0001 03 62270 @abstract
`

func TestConnectionsAreReadFromTheKernelsLists(t *testing.T) {
	t.Parallel()
	want := []Connection{{"62262", "/run/verdigris/router.sock"}, {"", "/run/verdigris/router-streams.sock"}, {"62270", "@abstract"}}
	for _, lists := range []string{unixTable, unixTable + unixTable} {
		if got := connections(lists); !slices.Equal(got, want) {
			t.Errorf("the connections are %v", got)
		}
	}
}

func TestContainerProcessReadsTheListTwiceAndTellsAContainerThatIsGone(t *testing.T) {
	t.Parallel()
	var readError, listError error
	down := false
	p := ContainerProcess{fakeContainer{
		read: func(files ...string) (string, error) {
			if !slices.Equal(files, []string{unixSockets, unixSockets}) {
				t.Errorf("read %v", files)
			}
			return unixTable, readError
		},
		processes: func() ([][2]string, error) {
			return [][2]string{{"1", "nginx: master process nginx"}}, listError
		},
		down: func() (bool, error) { return down, nil },
	}}
	if got, err := p.Connections(t.Context()); err != nil || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
	readError = errors.New("cat: not found")
	if _, err := p.Connections(t.Context()); !errors.Is(err, readError) || errors.Is(err, ErrNotRunning) {
		t.Errorf("without cat: %v", err)
	}
	listError = errors.New("the container is paused")
	if _, err := p.Connections(t.Context()); !errors.Is(err, listError) || errors.Is(err, ErrNotRunning) {
		t.Errorf("a container that stands still: %v", err)
	}
	down = true
	if _, err := p.Connections(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a container: %v", err)
	}
}
