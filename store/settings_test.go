package store

import (
	"path/filepath"
	"strings"
	"testing"
)

// wantSetting checks a setting; an empty want means that nothing was set.
func wantSetting(t *testing.T, s *Store, app, name, want string) {
	t.Helper()
	got, ok, err := s.Setting(t.Context(), app, name)
	if err != nil || got != want || ok != (want != "") {
		t.Errorf("%s of %s: got %q %v %v, want %q", name, app, got, ok, err, want)
	}
}

func TestASettingIsKeptOverARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	s := open(t, path)
	wantSetting(t, s, "shop", "mirroring", "")
	check(t, s.SetSetting(t.Context(), "shop", "mirroring", "off"))
	check(t, s.SetSetting(t.Context(), "shop", "mirroring", "on"))
	check(t, s.SetSetting(t.Context(), "blog", "mirroring", "off"))
	check(t, s.Close())
	again := open(t, path)
	wantSetting(t, again, "shop", "mirroring", "on")
	wantSetting(t, again, "blog", "mirroring", "off")
	wantSetting(t, again, "shop", "fencing", "")
}

func TestASettingThatCannotBeWrittenIsToldWithItsName(t *testing.T) {
	s := open(t)
	check(t, s.Close())
	err := s.SetSetting(t.Context(), "shop", "mirroring", "off")
	if err == nil || !strings.Contains(err.Error(), "mirroring of shop") {
		t.Errorf("got %v", err)
	}
}
