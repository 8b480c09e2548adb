package nginx

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"verdigris/internal/testkit"
)

func TestTheGateOpensBelowAPathThatIsTooLongForASocket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	testkit.Must(t, os.Mkdir(dir, 0o755))
	path := filepath.Join(dir, gateSocket)
	for range 2 { // the second time it is free again
		g, err := openGate(t.Context(), path, "gate", time.Minute, 1)
		testkit.Must(t, err)
		if !answered(t.Context(), path) {
			t.Error("nobody answers")
		}
		info, err := os.Stat(path)
		testkit.Must(t, err)
		if info.Mode().Perm() != 0o666 {
			t.Errorf("the socket's mode is %s", info.Mode())
		}
		g.release()
		testkit.Must(t, g.close(t.Context()))
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("the socket was left behind: %v", err)
		}
	}
}

func TestTheGateTakesALeftoverSocketButNotAnothersOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	testkit.Must(t, err)
	if _, err := openGate(t.Context(), path, "gate", time.Minute, 1); err == nil {
		t.Fatal("the other's socket was taken")
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false) // as after a kill
	testkit.Must(t, listener.Close())
	g, err := openGate(t.Context(), path, "gate", time.Minute, 1)
	testkit.Must(t, err)
	g.release()
	testkit.Must(t, g.close(context.Background()))
}
