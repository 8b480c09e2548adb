package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"verdigris/deploy"
)

// writeUntilKilled prints the ID of each deployment after the journal acknowledged it, the last of its events
// included. It runs in a process of its own, which the test kills.
func writeUntilKilled(path string) {
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
	}
	s, err := Open(ctx, path)
	fail(err)
	for i := 0; ; i++ {
		c := deploy.Commit(fmt.Sprintf("%020d%020d", os.Getpid(), i)) // apart from those of the writers before
		d, _, err := s.CreateForPush(ctx, queued("shop", c), push(string(c), c))
		fail(err)
		fail(s.Append(ctx, deploy.Event{Deployment: d.ID, Seq: 1, Type: deploy.EventLog, Message: "line"}))
		d.State, d.Phases = deploy.StateRunning, []deploy.PhaseRecord{{Phase: deploy.PhaseFetch, State: deploy.PhaseRunning}}
		fail(s.Save(ctx, d))
		fmt.Println(d.ID)
	}
}

func TestWhatWasAcknowledgedIsThereAfterAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	for round := range 3 {
		acknowledged := killAfter(t, path, 40)
		s, err := Open(t.Context(), path)
		check(t, err)
		for _, id := range acknowledged {
			d := must[deploy.Deployment](t)(s.Get(t.Context(), id))
			events := must[[]deploy.Event](t)(s.Events(t.Context(), id, 0))
			if d.State != deploy.StateRunning || len(d.Phases) != 1 || len(events) != 1 {
				t.Errorf("round %d: deployment %d came back as %s with %d phases and %d events", round, id, d.State, len(d.Phases), len(events))
			}
		}
		must[deploy.Deployment](t)(s.Create(t.Context(), queued("shop", commitA)))
		check(t, s.Close())
	}
}

// killAfter lets another process write, kills it once it has acknowledged n deployments, and returns all that it did.
func killAfter(t *testing.T, path string, n int) (acknowledged []int64) {
	t.Helper()
	writer := exec.CommandContext(t.Context(), os.Args[0])
	writer.Env = append(os.Environ(), "STORE_TEST_WRITE_UNTIL_KILLED="+path)
	out, err := writer.StdoutPipe()
	check(t, err)
	check(t, writer.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var id int64
		if _, err := fmt.Sscan(lines.Text(), &id); err != nil {
			t.Fatalf("the writer said %q", lines.Text())
		}
		if acknowledged = append(acknowledged, id); len(acknowledged) == n {
			check(t, writer.Process.Kill()) // SIGKILL; what it still said before is read to the end
		}
	}
	if err := writer.Wait(); err == nil || len(acknowledged) < n {
		t.Fatalf("the writer ended by itself after %d deployments: %v", len(acknowledged), err)
	}
	return acknowledged
}
