package compose

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"verdigris/deploy"
)

// stepsOf returns the states of the step whose name has that text, in order.
func (s *site) stepsOf(text string) (states []deploy.StepState, last deploy.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, step := range s.steps {
		if strings.Contains(step.Name, text) {
			states = append(states, step.State)
			last = step
		}
	}
	s.steps = nil
	return states, last
}

func TestTheStepsOfABuildAreToldInFields(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `services: {web: {build: {context: ., dockerfile_inline: "FROM `+debian+`\nRUN sleep 0.3 && echo hello && printf end\nRUN exit ${STATUS}"}}}`)
	build := func(status string, fresh bool) error {
		s.write(".env", "STATUS="+status+"\n")
		_, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), fresh, s.log)
		return err
	}
	if err := build("0", true); err != nil {
		t.Fatal(err)
	}
	states, last := s.stepsOf("RUN sleep")
	wantStates(t, states, deploy.StepStarted, deploy.StepOutput, deploy.StepOutput, deploy.StepDone)
	if last.Service != "web" || !strings.HasPrefix(last.Name, "[2/") || last.Seconds < 0.3 || last.Seconds > 60 {
		t.Errorf("the step is %+v", last)
	}
	// The next step may be told to begin in between.
	lines := regexp.MustCompile(`(?s)web \[2/\d\] \| hello\n.*web \[2/\d\] \| end\n.*web \[2/\d\] RUN sleep 0.3 && echo hello && printf end: done in [0-9.]+ s`)
	if said := s.said(); !lines.MatchString(said) {
		t.Errorf("the build said\n%s", said)
	}
	if err := build("3", false); err == nil {
		t.Error("a build that fails did not")
	}
	said := s.said()
	if states, _ := s.stepsOf("RUN sleep"); len(states) == 0 || states[len(states)-1] != deploy.StepCached {
		t.Errorf("the states of a step that is cached are %q\n%s", states, said)
	}
	if !strings.Contains(said, "] RUN exit 3: failed after ") {
		t.Errorf("the build said\n%s", said)
	}
}

func wantStates(t *testing.T, got []deploy.StepState, want ...deploy.StepState) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("states are %q, want %q", got, want)
	}
}
