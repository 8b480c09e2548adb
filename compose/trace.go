package compose

import (
	"encoding/json"
	"strings"

	controlapi "github.com/moby/buildkit/api/services/control"
	"google.golang.org/protobuf/proto"

	"verdigris/deploy"
)

// trace turns the progress of a BuildKit build (moby.buildkit.trace: StatusResponse messages of BuildKit's
// control.proto) into lines.
type trace struct {
	log   deploy.Log
	said  map[string]bool      // steps whose start or end was told
	lines map[string]*lineSink // output by step
}

func newTrace(log deploy.Log) *trace {
	return &trace{log: log, said: map[string]bool{}, lines: map[string]*lineSink{}}
}

// read takes one message: JSON that holds the protobuf in base64. A message that cannot be read is left out, since
// progress is for people alone; whether the build succeeded comes another way.
func (t *trace) read(content json.RawMessage) {
	var raw []byte
	var status controlapi.StatusResponse
	if json.Unmarshal(content, &raw) != nil || proto.Unmarshal(raw, &status) != nil {
		return
	}
	for _, v := range status.Vertexes {
		t.step(v)
	}
	for _, l := range status.Logs {
		w := t.lines[l.Vertex]
		if w == nil {
			w = said(t.log)
			t.lines[l.Vertex] = w
		}
		w.Write(l.Msg)
	}
}

// step tells once that a step began, and once that it came from the cache or failed.
func (t *trace) step(v *controlapi.Vertex) {
	if strings.HasPrefix(v.Name, "[internal]") && v.Error == "" {
		return
	}
	switch {
	case v.Cached:
		t.once(v.Digest+" cached", v.Name+" (cached)")
	case v.Completed != nil && v.Error != "":
		if w := t.lines[v.Digest]; w != nil {
			w.flush()
		}
		t.once(v.Digest+" error", v.Name+": "+v.Error)
	case v.Started != nil:
		t.once(v.Digest, v.Name)
	}
}

func (t *trace) once(key, line string) {
	if !t.said[key] {
		t.said[key] = true
		t.log(line)
	}
}
