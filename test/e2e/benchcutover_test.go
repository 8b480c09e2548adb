package e2e

import (
	"encoding/json"
	"testing"

	"verdigris/deploy"
)

func TestBenchCutoverOnARealSiteFailsNoRequest(t *testing.T) {
	s := goodSite(t)
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	out := s.must("bench", "cutover", "--json", "--rounds", "2", "--pause", "500ms", "--clients", "8", "--path", "/health",
		"--post", "/upload?album=bench", "--uploads", "1", "--websockets", "2", "--websocket-path", "/live")
	var got struct {
		Requests, Failed int
		Kinds            map[string]struct {
			Sent   int
			Slices map[string]int
		}
		Calm, During struct{ Count int }
		Cutovers     []struct {
			To     deploy.Slice
			State  deploy.State
			HoldMS float64 `json:"hold_ms"`
			Stayed int
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in:\n%s", err, out)
	}
	t.Log(out)
	if got.Failed != 0 || got.Calm.Count == 0 || len(got.Kinds) != 4 {
		t.Errorf("%d of %d requests failed, of %d kinds", got.Failed, got.Requests, len(got.Kinds))
	}
	if slices := got.Kinds["GET"].Slices; slices["blue"] == 0 || slices["green"] == 0 || slices["blue"]+slices["green"] != got.Kinds["GET"].Sent {
		t.Errorf("the slices that answered: %v", slices)
	}
	if len(got.Cutovers) != 4 || got.Cutovers[0].To != deploy.Blue || got.Cutovers[3].To != deploy.Green {
		t.Errorf("cutovers: %+v", got.Cutovers)
	}
	for _, c := range got.Cutovers {
		if c.State != deploy.StateSucceeded || c.HoldMS <= 0 {
			t.Errorf("cutover: %+v", c)
		}
	}
	s.serves(deploy.Green)
}

func TestBenchCutoverNeedsSomethingToSwitchTo(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	if out, code := s.command("bench", "cutover"); code != 3 {
		t.Errorf("exit code %d, want 3: %s", code, out)
	}
}
