package compose

import (
	"strings"

	"verdigris/deploy"
)

// progress tells of the steps of one service's build.
type progress struct {
	service string
	context string // of the additional context that is made into an image, if it is one
	log     deploy.Log
}

func newProgress(service string, log deploy.Log) *progress {
	return &progress{service: service, log: log}
}

// within is the progress of making an additional context into an image.
func (p *progress) within(context string) *progress {
	return &progress{service: p.service, context: context, log: p.log}
}

// step tells the state of a step: web [build 2/5] RUN make: done in 3.1 s.
func (p *progress) step(s deploy.Step) {
	s = p.of(s)
	p.log(s.String(), s)
}

// output tells a line that a step printed: web [build 2/5] | compiling.
func (p *progress) output(step, line string) {
	s := p.of(deploy.Step{Name: step, State: deploy.StepOutput})
	p.log(p.service+" "+place(s.Name)+" | "+line, s)
}

func (p *progress) of(s deploy.Step) deploy.Step {
	s.Service = p.service
	if p.context != "" {
		s.Name = "[" + p.context + "] " + s.Name
	}
	return s
}

// place is the part of a step's name that tells it from others: [build 2/5] of [build 2/5] RUN make.
func place(name string) string {
	if end := strings.Index(name, "] "); end > 0 && strings.HasPrefix(name, "[") {
		return name[:end+1]
	}
	return name
}
