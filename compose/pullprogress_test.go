package compose

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/pkg/jsonmessage"

	"verdigris/deploy"
)

// The messages are an engine's, with more time between them.
func TestThePullIsToldInAFewLines(t *testing.T) {
	const messages = `
{"status":"Pulling from x/y","id":"1"}
{"status":"Already exists","progressDetail":{},"id":"a"}
{"status":"Pulling fs layer","progressDetail":{},"id":"b"}
{"status":"Downloading","progressDetail":{"current":1500000,"total":3000000},"id":"b"}
{"status":"Downloading","progressDetail":{"current":1600000,"total":3000000},"id":"b"}
{"status":"Downloading","progressDetail":{"current":2500000,"total":3000000},"id":"b"}
{"status":"Verifying Checksum","progressDetail":{},"id":"b"}
{"status":"Extracting","progressDetail":{"current":10,"total":9000000},"id":"b"}
{"status":"Pull complete","progressDetail":{},"id":"b"}
{"status":"Digest: sha256:5dc7"}
{"status":"Status: Downloaded newer image for 127.0.0.1:5999/x/y:1"}
`
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		p := newPullProgress("web: pull x/y:1", func(line string, _ ...deploy.Step) { lines = append(lines, line) })
		for decoder := json.NewDecoder(strings.NewReader(messages)); decoder.More(); {
			var m jsonmessage.JSONMessage
			if err := decoder.Decode(&m); err != nil {
				t.Fatal(err)
			}
			time.Sleep(700 * time.Millisecond)
			p.read(m)
		}
		p.end()
		want := `web: pull x/y:1
web: pull x/y:1: 1 of 2 layers, 0.0 of 0.0 MB
web: pull x/y:1: 1 of 2 layers, 2.5 of 3.0 MB
web: pull x/y:1: 2 of 2 layers, 3.0 of 3.0 MB
web: pull x/y:1: done in 7.7 s, 3.0 MB, sha256:5dc7`
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("the log is\n%s", got)
		}
	})
}
