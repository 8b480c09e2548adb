package deploy_test

import (
	"net/http"
	"strings"
	"testing"

	"verdigris/deploy"
)

// saysItself has the app of each slice answer by a header or on a path of its own.
func (h *house) saysItself(answer func(deploy.Slice, http.ResponseWriter, *http.Request)) {
	h.runtime.handler = func(slice deploy.Slice) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { answer(slice, w, r) }
	}
}

func TestVerify_AnotherReleaseThanTheRoutersWordAnswers_GoesBack(t *testing.T) {
	for name, answer := range map[string]func(deploy.Slice, http.ResponseWriter, *http.Request){
		"header": func(_ deploy.Slice, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(deploy.ReleaseHeader, string(commitA)) // also on green, where B is to answer
		},
		"path": func(_ deploy.Slice, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/version" {
				_, _ = w.Write([]byte("shop, release " + string(commitA)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(app *deploy.App, h *house) {
				h.saysItself(answer)
				if name == "path" {
					app.Health.ReleasePath = "/version"
				}
			}).blueLive()
			d := h.deploy("", commitB, true)
			if d.State != deploy.StateRolledBack || d.Error.Phase != deploy.PhaseVerify || !strings.Contains(d.Error.Reason, "bbbbbbbbbbbb") {
				t.Errorf("%s: %+v", d.State, d.Error)
			}
			equal(t, "live", h.live(), "blue a")
		})
	}
}

func TestVerify_SaysByWhoseWordItIsKnownWhoAnswers(t *testing.T) {
	h := newHouse(t).blueLive()
	detail := func(d deploy.Deployment) string {
		for _, p := range d.Phases {
			if p.Phase == deploy.PhaseVerify {
				return p.Detail
			}
		}
		return ""
	}
	if said := detail(h.deploy("", commitB, true)); !strings.Contains(said, "does not say which release") {
		t.Errorf("an app that says nothing: %q", said)
	}
	h.saysItself(func(_ deploy.Slice, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(deploy.ReleaseHeader, string(commitC[:9]))
	})
	if said := detail(h.deploy("", commitC, true)); !strings.Contains(said, "the release itself") {
		t.Errorf("an app that says its release: %q", said)
	}
}
