package compose

import (
	"strings"

	"verdigris/deploy"
)

// buildProgress tells of the steps of one service's build.
type buildProgress struct {
	service string
	context string // of the additional context that is made into an image, if it is one
	log     deploy.Log
}

func newBuildProgress(service string, log deploy.Log) *buildProgress {
	return &buildProgress{service: service, log: log}
}

// within is the progress of making an additional context into an image.
func (p *buildProgress) within(context string) *buildProgress {
	return &buildProgress{service: p.service, context: context, log: p.log}
}

// step tells the state of a step: web [build 2/5] RUN make: done in 3.1 s.
func (p *buildProgress) step(s deploy.Step) {
	s = p.of(s)
	p.log(s.String(), s)
}

// output tells a line that a step printed: web [build 2/5] | compiling.
func (p *buildProgress) output(step, line string) {
	s := p.of(deploy.Step{Name: step, State: deploy.StepOutput})
	p.log(p.service+" "+stepPlace(s.Name)+" | "+line, s)
}

func (p *buildProgress) of(s deploy.Step) deploy.Step {
	s.Service = p.service
	if p.context != "" {
		s.Name = "[" + p.context + "] " + s.Name
	}
	return s
}

// stepPlace is the part of a step's name that tells it from others: [build 2/5] of [build 2/5] RUN make.
func stepPlace(name string) string {
	if end := strings.Index(name, "] "); end > 0 && strings.HasPrefix(name, "[") {
		return name[:end+1]
	}
	return name
}
