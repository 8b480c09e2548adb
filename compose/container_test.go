package compose

import (
	"net"
	"strings"
	"testing"
)

func TestASharedContainerRunsCommandsTakesSignalsAndListsItsProcesses(t *testing.T) {
	e := connected(t)
	s := newSite(t, e, "services: {web: {image: x}}")
	s.write("shared.yml", `services: {router: {image: "`+debian+`", command: [bash, -c, "trap 'echo reloaded > /tmp/mark' HUP; while true; do sleep 0.1; done"]}}`)
	router := s.SharedContainer("router")
	_, err := router.Exec(t.Context(), "true")
	wants(t, err, "no container of service router", "is running")
	if err := s.UpShared(t.Context(), s.log); err != nil {
		t.Fatal(err)
	}

	out, err := router.Exec(t.Context(), "sh", "-c", "echo out; echo err >&2")
	if err != nil || !strings.Contains(out, "out") || !strings.Contains(out, "err") {
		t.Errorf("exec: %q, %v", out, err)
	}
	out, err = router.Exec(t.Context(), "sh", "-c", "echo why; exit 7")
	wants(t, err, "status 7", "why")
	if out != "why" {
		t.Errorf("output is %q", out)
	}
	check(t, router.Signal(t.Context(), "HUP"))
	eventually(t, "the signal", func() bool {
		out, err := router.Exec(t.Context(), "cat", "/tmp/mark")
		return err == nil && out == "reloaded"
	})
	processes, err := router.Processes(t.Context())
	if err != nil || len(processes) == 0 || processes[0][0] == "" || !strings.HasPrefix(processes[0][1], "bash -c trap") {
		t.Errorf("processes are %q, %v", processes, err)
	}
	address, err := router.Address(t.Context(), 80)
	if host, port, _ := net.SplitHostPort(address); err != nil || net.ParseIP(host) == nil || port != "80" {
		t.Errorf("address is %s, %v", address, err)
	}

	before, _ := e.containersOf(t.Context(), s.settings.SharedProject())
	check(t, s.UpShared(t.Context(), s.log))
	after, _ := e.containersOf(t.Context(), s.settings.SharedProject())
	if len(before) != 1 || len(after) != 1 || before[0].id != after[0].id {
		t.Error("a second up recreated an unchanged shared container")
	}
}
