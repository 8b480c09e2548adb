package redisync

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// memory is a ledger.
type memory struct{ texts sync.Map }

func (m *memory) Keep(_ context.Context, slice deploy.Slice, text string) error {
	m.texts.Store(slice, text)
	return nil
}

func (m *memory) Kept(_ context.Context, slice deploy.Slice) (string, error) {
	text, _ := m.texts.LoadOrStore(slice, "")
	return text.(string), nil
}

// asOurs runs a command as the user that a fence lets pass.
func (s *testServer) asOurs(t *testing.T, args ...any) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.address, Username: fenceUser, Password: fencePassword})
	defer client.Close()
	testkit.Must(t, client.Do(t.Context(), args...).Err())
}

// leftWithLedgers is a mirror after a cutover, from green to a fenced blue whose users' rights two ledgers keep as well.
func leftWithLedgers(t *testing.T, options ...string) (d *Data, blue, green *testServer, ledgers []*memory) {
	t.Helper()
	blue, green = startRedis(t, options...), startRedis(t, options...)
	blue.do(t, "ACL", "SETUSER", "app", "on", "nopass", "~*", "&*", "+@all", "-@dangerous", "+info", "+keys")
	d = newData(t, blue, green, "cart:*")
	ledgers = []*memory{{}, {}}
	d.Ledgers = []Ledger{ledgers[0], ledgers[1]}
	startedMirror(t, d)
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	takesNoWrites(t, d, deploy.Blue, blue)
	return d, blue, green, ledgers
}

func TestSettle_AnyOfTheThreeCopiesOfTheRights_GivesThemBack(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(t *testing.T, blue *testServer, ledgers []*memory){
		"on the server alone": func(_ *testing.T, _ *testServer, ledgers []*memory) {
			ledgers[0].texts.Clear()
			ledgers[1].texts.Clear()
		},
		"in the first ledger alone": func(t *testing.T, blue *testServer, ledgers []*memory) {
			blue.asOurs(t, "DEL", fenceKey) // as an eviction does
			ledgers[1].texts.Clear()
		},
		"in the second ledger alone": func(t *testing.T, blue *testServer, ledgers []*memory) {
			blue.asOurs(t, "DEL", fenceKey)
			ledgers[0].texts.Clear()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, blue, green, ledgers := leftWithLedgers(t)
			lose(t, blue, ledgers)
			cutOver(t, d, deploy.Green, func(settle func()) { settle() })
			testkit.Must(t, blue.Set(t.Context(), "cart:1", "one", 0).Err())
			for _, line := range userLines(t, blue) {
				if lacksWrite(line) {
					t.Errorf("a user still lacks the right to write: %s", line)
				}
			}
			takesNoWrites(t, d, deploy.Green, green)
		})
	}
}

func TestSettle_AllCopiesOfTheRightsLost_CallsTheCutoverOffAndSaysWhatToType(t *testing.T) {
	t.Parallel()
	d, blue, green, ledgers := leftWithLedgers(t)
	blue.asOurs(t, "DEL", fenceKey)
	for _, ledger := range ledgers {
		ledger.texts.Clear()
	}
	session, err := d.Begin(t.Context(), deploy.Green, deploy.Blue)
	testkit.Must(t, err)
	_, err = session.Settle(t.Context())
	testkit.ErrorContains(t, err, "the app cannot write there: default lost the right to")
	testkit.Must(t, session.Close())
	testkit.Must(t, green.Set(t.Context(), "cart:1", "one", 0).Err())
	blue.asOurs(t, "ACL", "SETUSER", "default", "+@write")
	cutOver(t, d, deploy.Green, func(settle func()) { settle() })
	testkit.Must(t, blue.Set(t.Context(), "cart:1", "two", 0).Err())
}

func TestMirror_LiveRedisRestartsWithASavedFence_LetsItsAppWriteAgain(t *testing.T) {
	t.Parallel()
	for name, anew := range map[string]bool{"noticed by the mirror": false, "noticed by a new process": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			users := filepath.Join(t.TempDir(), "users")
			testkit.Write(t, users, "")
			blue := startRedis(t, "--appendonly", "yes", "--aclfile", users)
			green := startRedis(t, "--appendonly", "yes")
			d := newData(t, blue, green, "cart:*")
			ledger := &memory{}
			d.Ledgers = []Ledger{ledger}
			startedMirror(t, d)
			cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
			takesNoWrites(t, d, deploy.Blue, blue)
			blue.asOurs(t, "ACL", "SAVE") // as Sentinel does
			cutOver(t, d, deploy.Green, func(settle func()) { settle() })
			testkit.Must(t, blue.Set(t.Context(), "cart:1", "one", 0).Err())
			if anew {
				d.Mirror("")
				d = newData(t, blue, green, "cart:*")
				d.Ledgers = []Ledger{ledger}
			}
			blue.restart(t)
			if err := blue.Set(t.Context(), "cart:1", "two", 0).Err(); err != nil && !refusedAs(err, "NOPERM") {
				t.Fatal(err)
			}
			if anew {
				t.Cleanup(func() { d.Mirror("") })
				d.Mirror(deploy.Blue)
			}
			testkit.Eventually(t, "the app may write", func() bool { return blue.Set(t.Context(), "cart:1", "three", 0).Err() == nil })
			testkit.Eventually(t, "the mirror goes on", func() bool { return green.Get(t.Context(), "cart:1").Val() == "three" })
		})
	}
}

func TestLookOut_LiveRedisRestartsWithASavedFence_LetsItsAppWriteAgain(t *testing.T) {
	t.Parallel()
	users := filepath.Join(t.TempDir(), "users")
	testkit.Write(t, users, "")
	blue, green := startRedis(t, "--appendonly", "yes", "--aclfile", users), startRedis(t)
	d := newData(t, blue, green, "cart:*")
	d.Ledgers = []Ledger{&memory{}}
	t.Cleanup(func() { d.LookOut("") })
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	takesNoWrites(t, d, deploy.Blue, blue)
	blue.asOurs(t, "ACL", "SAVE")
	cutOver(t, d, deploy.Green, func(settle func()) { settle() })
	testkit.Must(t, blue.Set(t.Context(), "cart:1", "one", 0).Err())
	blue.restart(t)
	testkit.Eventually(t, "the app may write", func() bool { return blue.Set(t.Context(), "cart:1", "three", 0).Err() == nil })
}

func TestOpen_ServerThatShowsNoUsers_IsTakenForOpen(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	blue.do(t, "ACL", "SETUSER", "default", "-acl")
	testkit.Must(t, newData(t, blue, green, "cart:*").Open(t.Context(), deploy.Blue))
}

func TestFence_KeysThatTheSliceMayWrite_AloneAreOpen(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t, "--appendonly", "yes"), startRedis(t)
	d, err := New(Settings{
		Keys: []string{"cart:*"}, LeftMayWrite: []string{"cache:*", "session:?"},
		Sides: map[deploy.Slice]Side{deploy.Blue: {Address: At(blue.address)}, deploy.Green: {Address: At(green.address)}},
	})
	testkit.Must(t, err)
	d.Ledgers = []Ledger{&memory{}}
	before := userLines(t, blue)
	startedMirror(t, d)
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	isOpen := func() {
		t.Helper()
		takesNoWrites(t, d, deploy.Blue, blue)
		if status := d.Mirrored(); strings.Join(status.LeftMayWrite, " ") != "cache:* session:?" {
			t.Errorf("the status: %+v", status)
		}
		for key, want := range map[string]bool{"cache:1": true, "session:a": true, "session:ab": false, "cart:1": false, "other": false} {
			if err := blue.Set(t.Context(), key, "x", 0).Err(); (err == nil) != want {
				t.Errorf("a write to %s: %v", key, err)
			}
			testkit.Must(t, blue.Exists(t.Context(), key).Err())
		}
	}
	isOpen()
	blue.restart(t) // without its users' rules: it is fenced again
	isOpen()
	cutOver(t, d, deploy.Green, func(settle func()) { settle() })
	if after := userLines(t, blue); !slices.Equal(before, after) {
		t.Errorf("users before:\n%q\nafter:\n%q", before, after)
	}
}

func TestNew_KeysThatTheLeftSliceMayWriteMeetTheData_IsRefused(t *testing.T) {
	t.Parallel()
	for glob, want := range map[string]string{
		"cache:*": "", "car": "", "session:?": "",
		"*": "images", "c*": "cart:*", "cart:?x": "cart:*", "[a-d]a*": "cart:*", "images": "images", "imag?s": "images", "*s": "images",
		"a b": "neither spaces", "a(b)": "neither spaces", "": "neither spaces", "__verdigris:x": "belong to verdigris itself",
	} {
		err := func() error {
			_, err := New(Settings{
				Keys: []string{"images", "cart:*"}, LeftMayWrite: []string{glob},
				Sides: map[deploy.Slice]Side{deploy.Blue: {Address: At("a:1")}, deploy.Green: {Address: At("b:1")}},
			})
			return err
		}()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", glob, err, want)
		}
	}
}
