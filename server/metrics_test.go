package server_test

import (
	"strings"
	"testing"

	"verdigris/deploy"
)

func TestMetricsCountWhatHappens(t *testing.T) {
	s := start(t, withHook)
	s.Metrics.Version("1.2.3")
	s.Metrics.Ended(full("shop"))
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
