package server_test

import (
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
)

func TestMetricsCountWhatHappens(t *testing.T) {
	s := start(t, withHook)
	s.Metrics.Version("1.2.3")
	s.Metrics.Ended(full("shop"))
	moved := queued("shop")
	moved.Held, moved.Phases = 31, []deploy.PhaseRecord{
		{Phase: deploy.PhaseHold, State: deploy.PhaseDone, StartedAt: epoch, EndedAt: epoch.Add(20 * time.Millisecond)},
		{Phase: deploy.PhaseRelease, State: deploy.PhaseDone, StartedAt: epoch.Add(30 * time.Millisecond), EndedAt: epoch.Add(50 * time.Millisecond)},
	}
	s.Metrics.Ended(moved)
	s.Metrics.Routed("shop", deploy.Blue, "")
	s.Metrics.Routed("shop", deploy.Green, deploy.Blue)
	s.delivery("/webhooks/github", pushBody)
	s.delivery("/webhooks/github", pushBody, "X-Hub-Signature-256: wrong")
	s.delivery("/webhooks/github/nobody", pushBody)
	s.request("GET", "/some/path", "")
	s.request("GET", "/apps/nobody/status", "")
	s.request("BREW", "/status", "")
	text := string(s.request("GET", "/metrics", "").want(200).body)
	for _, want := range []string{
		`verdigris_deployments_total{app="shop",kind="deploy",state="rolled_back"} 1`,
		`verdigris_phase_seconds_sum{app="shop",phase="fetch"} 1`,
		`verdigris_hold_seconds_sum{app="shop"} 0.05`,
		`verdigris_hold_seconds_count{app="shop"} 1`,
		`verdigris_held_requests{app="shop"} 31`,
		`verdigris_mirror_lag_seconds{app="blog"} 0.0004`,
		`verdigris_mirror_state{app="shop",state="broken"} 1`,
		`verdigris_mirror_state{app="shop",state="in_step"} 0`,
		`verdigris_stray_writes_total{app="shop"} 5`,
		`verdigris_live_slice{app="shop",slice="blue"} 0`,
		`verdigris_live_slice{app="shop",slice="green"} 1`,
		`verdigris_webhook_deliveries_total{app="shop",forge="github",result="accepted"} 1`,
		`verdigris_webhook_deliveries_total{app="shop",forge="github",result="unauthorized"} 1`,
		`verdigris_http_requests_total{method="GET",route="/apps/:app/status",status="404"} 1`,
		`verdigris_http_requests_total{method="other",`,
		`verdigris_build_info{go="go`,
		"process_resident_memory_bytes",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics do not have %s", want)
		}
	}
	for _, stranger := range []string{"nobody", "some", "BREW"} {
		if strings.Contains(text, stranger) {
			t.Errorf("a stranger's word became a label: %s", stranger)
		}
	}
}
