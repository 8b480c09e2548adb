package compose

import (
	"regexp"
	"time"

	"verdigris/deploy"
)

// classicSteps turns the output of the classic builder into progress. Its lines begin a step, tell of its image or
// container, or are what the step printed.
type classicSteps struct {
	progress *buildProgress
	current  string // the step that runs; empty before the first one
	began    time.Time
}

var (
	classicStep  = regexp.MustCompile(`^Step (\d+/\d+) : (.*)$`)
	classicCache = regexp.MustCompile(`^ ---> Using cache$`)
	classicNoise = regexp.MustCompile(`^ ---> (Running in )?[0-9a-f]{12}$|^Successfully (built|tagged) `)
	// classicEnd may stand on the line of what a step printed last.
	classicEnd = regexp.MustCompile(`( ---> Removed|Removing) intermediate container [0-9a-f]{12}$`)
)

func (c *classicSteps) read(line string, _ ...deploy.Step) {
	line = classicEnd.ReplaceAllString(line, "")
	switch step := classicStep.FindStringSubmatch(line); {
	case step != nil:
		c.end(nil)
		c.current, c.began = "["+step[1]+"] "+step[2], time.Now()
		c.progress.step(deploy.Step{Name: c.current, State: deploy.StepStarted})
	case classicCache.MatchString(line):
		c.progress.step(deploy.Step{Name: c.current, State: deploy.StepCached})
		c.current = ""
	case line != "" && !classicNoise.MatchString(line):
		c.progress.output(c.current, line)
	}
}

// end tells how the step ended that runs.
func (c *classicSteps) end(err error) {
	if c.current == "" {
		return
	}
	state := deploy.StepDone
	if err != nil {
		state = deploy.StepFailed
	}
	c.progress.step(deploy.Step{Name: c.current, State: state, Seconds: time.Since(c.began).Seconds()})
	c.current = ""
}
