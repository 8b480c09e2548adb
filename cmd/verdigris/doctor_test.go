package main

import (
	"encoding/json"
	"net"
	"net/http"
	"testing"
)

// findings runs doctor and returns what it found, by what it looked at.
func (w *workplace) findings(t *testing.T) (result, map[string]finding) {
	t.Helper()
	r := w.run(t, "doctor", "--json")
	var list []finding
	if err := json.Unmarshal([]byte(r.out), &list); err != nil {
		t.Fatalf("%v in %q", err, r.out)
	}
	by := map[string]finding{}
	for _, f := range list {
		by[f.What] = f
	}
	return r, by
}

func TestDoctorNamesWhatIsWrongAndHowToMendIt(t *testing.T) {
	w := newFolder(t, "server: {listen: '127.0.0.1:0'}\napps: {shop: {repository: {url: .}, web: {port: 80}}}\n")
	r, found := w.findings(t)
	r.want(t, exitFailed)
	for what, verdict := range map[string]string{
		"configuration": findingBad, "verdigris serve": findingWarn, "git": findingGood,
		"repository of shop": findingBad, "disk of the state folder": findingGood,
	} {
		if found[what].Verdict != verdict {
			t.Errorf("%s: %+v, want %s", what, found[what], verdict)
		}
		if verdict == findingBad && found[what].Mend == "" {
			t.Errorf("%s: nothing is said about how to mend it", what)
		}
	}
}

func TestDoctorFindsThatThePortIsTaken(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	w := newFolder(t, "server: {listen: '"+other.Addr().String()+"'}\napps: {shop: {repository: {url: .}, web: {port: 80}}}\n")
	if _, found := w.findings(t); found["verdigris serve"].Verdict != findingBad || found["verdigris serve"].Mend == "" {
		t.Errorf("got %+v", found["verdigris serve"])
	}
}

func TestDoctorIsContentWithARepositoryAndADaemon(t *testing.T) {
	w := newWorkplace(t)
	w.mux.HandleFunc("GET /health", func(rw http.ResponseWriter, r *http.Request) { reply(rw, http.StatusOK, nil) })
	w.write(t, "docker-compose.shared.yml", "services: {}\n")
	w.commitTo(t, "a.txt", "1", "First")
	_, found := w.findings(t)
	for _, what := range []string{"configuration", "verdigris serve", "git", "repository of shop"} {
		if found[what].Verdict != findingGood {
			t.Errorf("%s: %+v", what, found[what])
		}
	}
}

func TestDoctorSaysWhatIsWrongWithTheConfiguration(t *testing.T) {
	w := newFolder(t, "aps: {}\n")
	w.run(t, "doctor").want(t, exitFailed, "wrong    configuration: ", `did you mean "apps"`, "mend it: ")
}
