package main

import (
	"context"
	"fmt"
	"strings"

	"verdigris/deploy"
)

// dryRun shows what a switch would do.
func (c *cli) dryRun(ctx context.Context, api *client, to deploy.Slice) error {
	plan, err := api.planSwitch(ctx, to)
	if err != nil {
		return err
	}
	if c.json {
		return c.writeJSON(plan)
	}
	return c.writeTable(planRows(plan))
}

// planRows has a row for each thing that a switch would touch; what an app does not have is left out.
func planRows(p deploy.SwitchPlan) [][]string {
	rows := [][]string{{"DRY RUN", "nothing is changed"}, {"traffic", trafficLine(p)}}
	if p.Ahead > 0 {
		rows = append(rows, []string{"before it", fmt.Sprintf("%d of the operations that are queued or running", p.Ahead)})
	}
	if p.Mirror != nil && p.From != "" { // with nothing live there is nothing to mirror
		rows = append(rows, []string{"mirror", mirrorLine(false, *p.Mirror)})
	}
	if p.Copy != nil {
		rows = append(rows, []string{"copy", p.Copy.String()})
	}
	rows = append(rows,
		[]string{"in flight", inFlight(p.InFlight)},
		[]string{"hold", fmt.Sprintf("about %d ms: %s", p.EstimatedHoldMS, p.EstimatedFrom)})
	if len(p.StopWorkers) > 0 {
		rows = append(rows, []string{"stop", strings.Join(p.StopWorkers, ", ")})
	}
	if len(p.StartWorkers) > 0 {
		rows = append(rows, []string{"start", strings.Join(p.StartWorkers, ", ")})
	}
	for _, obstacle := range p.Obstacles {
		rows = append(rows, []string{"obstacle", obstacle})
	}
	return rows
}

func trafficLine(p deploy.SwitchPlan) string {
	if p.From == "" {
		return fmt.Sprintf("%s of %s (%s) would be the first to be live", p.To, p.App, short(p.Commit))
	}
	return fmt.Sprintf("%s would go from %s to %s (%s)", p.App, p.From, p.To, short(p.Commit))
}

func inFlight(n int) string {
	switch n {
	case -1:
		return "unknown: this router does not tell"
	case 1:
		return "1 request"
	}
	return fmt.Sprintf("%d requests", n)
}
