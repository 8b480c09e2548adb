package compose

import (
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestAVolumeWhoseSettingsChangedIsRefused(t *testing.T) {
	t.Parallel()
	e := connected(t)
	file := `
services:
  web: {image: "` + debian + `", init: true, network_mode: none, command: [sleep, "60"], volumes: ["data:/data"], stop_grace_period: 1s}
volumes:
  data:
    driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}
    labels: {kind: old}
`
	s := newSite(t, e, file)
	s.up(commitA)
	before := s.ids()

	s.write("blue.yml", strings.Replace(file, "size=1m", "size=2m", 1))
	err := s.Check(t.Context(), deploy.Blue, s.release(commitA))
	testkit.ErrorContains(t, err, "volume "+s.settings.Project(deploy.Blue)+"_data: driver_opts changed", "losing its data (blue.yml:6)")
	testkit.ErrorContains(t, s.Start(t.Context(), deploy.Blue, s.release(commitA), s.log), "driver_opts changed")

	s.said()
	s.write("blue.yml", strings.Replace(file, "kind: old", "kind: new", 1))
	s.up(commitA)
	if told := s.said(); !strings.Contains(told, "note: the labels of volume") {
		t.Errorf("told is\n%s", told)
	}
	if after := s.ids(); after["web-1"] != before["web-1"] {
		t.Error("the container was made anew")
	}
}
