package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
)

const (
	commitA = deploy.Commit("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	commitB = deploy.Commit("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

func TestMain(m *testing.M) {
	if path := os.Getenv("STORE_TEST_WRITE_UNTIL_KILLED"); path != "" {
		writeUntilKilled(path)
	}
	os.Exit(m.Run())
}

// open opens a journal in a folder of its own, or at the path given.
func open(t testing.TB, path ...string) *Store {
	t.Helper()
	if len(path) == 0 {
		path = []string{filepath.Join(t.TempDir(), "state", "journal.db")}
	}
	s, err := Open(context.Background(), path[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func queued(app string, c deploy.Commit) deploy.Deployment {
	return deploy.Deployment{
		App: app, Kind: deploy.KindDeploy, Commit: c, Promote: true, State: deploy.StateQueued, CreatedAt: time.Now().UTC(),
		Trigger: deploy.Trigger{By: deploy.ByPush, Who: "ada", Ref: "refs/heads/main", Forge: "github", Delivery: "d-1"},
	}
}

func TestTheJournalIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "state", "journal.db")
	s := open(t, path)
	must[deploy.Deployment](t)(s.Create(t.Context(), queued("shop", commitA)))
	for name, want := range map[string]os.FileMode{path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		check(t, err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(name), got, want)
		}
	}
}

func TestAPathWithSpecialCharactersIsTakenAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%41", "journal.db")
	open(t, path)
	if _, err := os.Stat(path + "-wal"); err != nil {
		t.Errorf("the journal is not where it was asked for: %v", err)
	}
}

func TestADamagedFileIsRefusedWithAWayOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	s := open(t, path)
	for range 200 {
		must[deploy.Deployment](t)(s.Create(t.Context(), queued("shop", commitA)))
	}
	check(t, s.Close())
	whole := must[[]byte](t)(os.ReadFile(path))
	for name, damage := range map[string]func([]byte) []byte{
		"header overwritten":   func(b []byte) []byte { copy(b, "this is no database at all"); return b },
		"a page in the middle": func(b []byte) []byte { copy(b[len(b)/2&^4095:], strings.Repeat("\xff", 4096)); return b },
		"cut short":            func(b []byte) []byte { return b[:len(b)/2&^4095] },
	} {
		t.Run(name, func(t *testing.T) {
			broken := filepath.Join(t.TempDir(), "journal.db")
			check(t, os.WriteFile(broken, damage([]byte(string(whole))), 0o600))
			_, err := Open(t.Context(), broken)
			var hinted *deploy.HintedError
			if !errors.Is(err, ErrDamaged) || !errors.As(err, &hinted) || !strings.Contains(hinted.Next, "backup") || !strings.Contains(err.Error(), broken) {
				t.Fatalf("got %v, want an error that names the file and says how to go on", err)
			}
		})
	}
}

func TestADatabaseOfAnotherProgramIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	s := open(t, path)
	check(t, s.writer.submit(t.Context(), false, func(tx *tx) error {
		_, err := tx.exec(`PRAGMA application_id = 42`)
		return err
	}))
	check(t, s.Close())
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Fatalf("got %v", err)
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	s := open(t, path)
	check(t, s.writer.submit(t.Context(), false, func(tx *tx) error {
		_, err := tx.exec(`PRAGMA user_version = 99`)
		return err
	}))
	check(t, s.Close())
	before := must[[]byte](t)(os.ReadFile(path))
	_, err := Open(t.Context(), path)
	if err == nil || !strings.Contains(err.Error(), "newer verdigris wrote it: its schema is version 99") {
		t.Fatalf("got %v", err)
	}
	if after := must[[]byte](t)(os.ReadFile(path)); string(after) != string(before) {
		t.Error("the newer journal was changed")
	}
}

func TestOpeningAgainKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	s := open(t, path)
	d := must[deploy.Deployment](t)(s.Create(t.Context(), queued("shop", commitA)))
	token := must[string](t)(s.CreateToken(t.Context(), "ci"))
	check(t, s.Close())
	if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("closing did not fold the -wal file into the journal: %v", err)
	}
	s = open(t, path)
	if got := must[deploy.Deployment](t)(s.Get(t.Context(), d.ID)); got.Commit != commitA {
		t.Errorf("got %+v", got)
	}
	if name, ok, err := s.VerifyToken(t.Context(), token); name != "ci" || !ok || err != nil {
		t.Errorf("got %q %v %v", name, ok, err)
	}
	if next := must[deploy.Deployment](t)(s.Create(t.Context(), queued("shop", commitB))); next.ID <= d.ID {
		t.Errorf("ID %d was given twice", next.ID)
	}
}

func TestAFullDiskIsSaidClearlyAndOvercome(t *testing.T) {
	s := open(t)
	limit := func(pages string) {
		t.Helper()
		// Outside a transaction of the writer's: its goroutine is idle here.
		must[any](t)(s.writer.conn.ExecContext(t.Context(), `PRAGMA max_page_count = `+pages))
	}
	limit("1") // SQLite keeps at least the pages that there are
	big := queued("shop", commitA)
	big.Subject = strings.Repeat("x", 1<<20)
	_, err := s.Create(t.Context(), big)
	var hinted *deploy.HintedError
	if !errors.Is(err, ErrFull) || !errors.As(err, &hinted) || !strings.Contains(hinted.Next, "free some space") {
		t.Fatalf("got %v, want ErrFull with a next step", err)
	}
	if found := must[[]deploy.Deployment](t)(s.List(t.Context(), "shop", 0)); len(found) != 0 {
		t.Errorf("the refused write left %d deployments", len(found))
	}
	limit("1000000")
	must[deploy.Deployment](t)(s.Create(t.Context(), big))
}

func TestAWriteAfterCloseIsRefused(t *testing.T) {
	s := open(t)
	check(t, s.Close())
	if _, err := s.Create(t.Context(), queued("shop", commitA)); !errors.Is(err, errClosed) {
		t.Fatalf("got %v", err)
	}
}

func TestAWriteOfACancelledCallerDoesNotHappen(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Create(ctx, queued("shop", commitA)); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if found := must[[]deploy.Deployment](t)(s.List(t.Context(), "shop", 0)); len(found) != 0 {
		t.Errorf("%d deployments were written", len(found))
	}
}

func TestAFailedWriteTakesNothingFromTheOthersInItsBatch(t *testing.T) {
	s := open(t)
	wrong := errors.New("wrong")
	insertOne := func(fail error) *write {
		return &write{ctx: t.Context(), result: make(chan error, 1), do: func(tx *tx) error {
			if _, err := insert(tx, queued("shop", commitA)); err != nil {
				return err
			}
			return fail
		}}
	}
	batch := []*write{insertOne(nil), insertOne(wrong), insertOne(nil)}
	s.writer.commit(batch) // its goroutine is idle
	for i, want := range []error{nil, wrong, nil} {
		if got := <-batch[i].result; got != want {
			t.Errorf("write %d: got %v, want %v", i, got, want)
		}
	}
	if found := must[[]deploy.Deployment](t)(s.List(t.Context(), "shop", 0)); len(found) != 2 {
		t.Errorf("got %d deployments, want 2", len(found))
	}
}
