package compose

import (
	"fmt"
	"strings"
)

// String writes the plan one action to a line.
func (pl *plan) String() string {
	var b strings.Builder
	for _, key := range pl.networks {
		fmt.Fprintf(&b, "create network %s\n", pl.project.Networks[key].Name)
	}
	for _, key := range pl.volumes {
		fmt.Fprintf(&b, "create volume %s\n", pl.project.Volumes[key].Name)
	}
	for _, a := range pl.removals {
		fmt.Fprintln(&b, a)
	}
	for i, level := range pl.levels {
		fmt.Fprintf(&b, "level %d\n", i+1)
		for _, sp := range level {
			for _, w := range sp.waits {
				fmt.Fprintf(&b, "  %s waits for %s: %s\n", sp.service.Name, w.service, w.condition)
			}
			for _, a := range sp.actions {
				fmt.Fprintf(&b, "  %s\n", a)
			}
		}
	}
	return b.String()
}

func (a action) String() string {
	if a.why == "" {
		return fmt.Sprintf("%s %s", a.verb, a.name)
	}
	return fmt.Sprintf("%s %s: %s", a.verb, a.name, a.why)
}
