package compose

import (
	"strings"

	controlapi "github.com/moby/buildkit/api/services/control"

	"verdigris/deploy"
)

// trace turns what BuildKit tells of a build (StatusResponse messages of its control.proto) into progress.
type trace struct {
	progress *buildProgress
	names    map[string]string // of steps, by digest
	told     map[string]bool   // the beginnings and ends of steps that were told; BuildKit repeats them
	lines    map[string]*lineSink
}

func newTrace(p *buildProgress) *trace {
	return &trace{progress: p, names: map[string]string{}, told: map[string]bool{}, lines: map[string]*lineSink{}}
}

// read tells the beginnings in a message, then the output, then the ends: one message may have all of them.
func (t *trace) read(m *controlapi.StatusResponse) {
	for _, v := range m.Vertexes {
		t.names[v.Digest] = v.Name
		if v.Started != nil && !v.Cached {
			t.tell(v, deploy.StepStarted)
		}
	}
	for _, l := range m.Logs {
		t.output(l.Vertex).Write(l.Msg)
	}
	for _, v := range m.Vertexes {
		switch {
		case v.Cached:
			t.tell(v, deploy.StepCached)
		case v.Completed == nil:
		case v.Error == "":
			t.tell(v, deploy.StepDone)
		case !strings.HasSuffix(v.Error, "context canceled"): // of steps that ended since another failed
			t.tell(v, deploy.StepFailed)
		}
	}
	for _, w := range m.Warnings {
		t.progress.output("warning", string(w.Short))
	}
}

// tell tells the beginning and the end of a step once. BuildKit's own steps are worth a line only when they fail.
func (t *trace) tell(v *controlapi.Vertex, state deploy.StepState) {
	key := v.Digest
	if state != deploy.StepStarted {
		key += " end"
	}
	if t.told[key] || strings.HasPrefix(v.Name, "[internal]") && state != deploy.StepFailed {
		return
	}
	t.told[key] = true
	step := deploy.Step{Name: v.Name, State: state}
	if state == deploy.StepDone || state == deploy.StepFailed {
		t.output(v.Digest).flush()
		step.Seconds = v.Completed.AsTime().Sub(v.Started.AsTime()).Seconds()
	}
	t.progress.step(step)
}

func (t *trace) output(digest string) *lineSink {
	if t.lines[digest] == nil {
		t.lines[digest] = said(func(line string, _ ...deploy.Step) { t.progress.output(t.names[digest], line) })
	}
	return t.lines[digest]
}

// end tells what the steps printed without a newline at the end.
func (t *trace) end() {
	for _, sink := range t.lines {
		sink.flush()
	}
}
