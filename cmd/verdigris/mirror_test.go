package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
)

func TestMirrorSwitchesAndSaysHowItStands(t *testing.T) {
	w := newWorkplace(t)
	status := deploy.MirrorStatus{State: deploy.MirrorInStep, From: deploy.Blue, To: deploy.Green, LagMS: 0.42}
	asked := ""
	w.mux.HandleFunc("/apps/shop/mirroring", func(rw http.ResponseWriter, r *http.Request) {
		body := map[string]bool{"on": true}
		json.NewDecoder(r.Body).Decode(&body)
		asked = r.Method
		if !body["on"] {
			status = deploy.MirrorStatus{State: deploy.MirrorOff}
		}
		reply(rw, http.StatusOK, deploy.Mirroring{On: body["on"], Mirror: status})
	})
	w.run(t, "mirror", "status").want(t, exitOK, "mirror:  green follows blue, in step, 0.4 ms behind\n")
	if asked != http.MethodGet {
		t.Errorf("status: %s", asked)
	}
	w.run(t, "mirror", "on").want(t, exitOK, "in step")
	w.run(t, "mirror", "off", "--json").want(t, exitOK, `"on": false`)
	if asked != http.MethodPut {
		t.Errorf("off: %s", asked)
	}
	w.run(t, "mirror", "maybe").want(t, exitInput)
}

func TestEveryStateOfTheMirrorSaysWhatIsTheMatter(t *testing.T) {
	for _, c := range []struct {
		on     bool
		mirror deploy.MirrorStatus
		want   string
	}{
		{false, deploy.MirrorStatus{State: deploy.MirrorOff}, "off: verdigris mirror on switches it on"},
		{true, deploy.MirrorStatus{State: deploy.MirrorOff}, "on, and nothing to follow yet"},
		{true, deploy.MirrorStatus{State: deploy.MirrorConnecting}, "green follows blue, connecting"},
		{true, deploy.MirrorStatus{State: deploy.MirrorCopying, Copied: 3, Found: 7}, "green follows blue, copying: 3 of 7 keys"},
		{true, deploy.MirrorStatus{State: deploy.MirrorBroken, Reason: "redis of green is out of memory", Next: "raise maxmemory"},
			"green does not follow blue: redis of green is out of memory (tried again by itself); raise maxmemory"},
		{true, deploy.MirrorStatus{State: deploy.MirrorImpossible, Reason: "PSYNC is forbidden"},
			"not available, so that cutovers copy instead: PSYNC is forbidden"},
	} {
		c.mirror.From, c.mirror.To = deploy.Blue, deploy.Green
		if got := mirrorLine(c.on, c.mirror); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.mirror.State, got, c.want)
		}
	}
}

func TestStatusTellsOfTheMirrorTheFenceAndStrays(t *testing.T) {
	w := newWorkplace(t)
	status := deploy.Status{App: "shop", Live: deploy.Green, Mirroring: true, Mirror: &deploy.MirrorStatus{
		State: deploy.MirrorInStep, From: deploy.Green, To: deploy.Blue, LagMS: 1.25, Fenced: deploy.Blue,
		Strays: &deploy.Strays{Slice: deploy.Blue, Count: 5, Keys: []string{"images", "tags"}, Last: time.Now()},
	}}
	w.mux.HandleFunc("GET /apps/shop/status", func(rw http.ResponseWriter, _ *http.Request) { reply(rw, http.StatusOK, status) })
	w.run(t, "status").want(t, exitOK,
		"mirror:  blue follows green, in step, 1.2 ms behind\n",
		"fence:   the redis of blue takes no writes of its app\n",
		"strays:  blue wrote 5 times to selected keys, 0 s ago: images, tags; the live slice's values took their place\n")
	status.Mirror.Fenced, status.Mirror.Unfenced = "", "redis of blue cannot be fenced against late writes: the user app has selectors"
	w.run(t, "status").want(t, exitOK, "fence:   redis of blue cannot be fenced against late writes: the user app has selectors\n")
	status.Mirror.Unseen = "since 11:00:00 UTC late writes to blue are not seen: redis of blue does not answer"
	w.run(t, "status").want(t, exitOK, "unseen:  since 11:00:00 UTC late writes to blue are not seen: redis of blue does not answer\n")
	status.Mirror.State = deploy.MirrorOff
	w.run(t, "status").want(t, exitOK, "strays:  blue wrote 5 times to selected keys, 0 s ago: images, tags; they count no more\n")
	status.Mirror = nil
	if r := w.run(t, "status"); strings.Contains(r.out, "mirror") {
		t.Errorf("without data there is no mirror to tell of:\n%s", r.out)
	}
}
