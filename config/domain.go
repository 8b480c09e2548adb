package config

import "verdigris/deploy"

// Domain returns what the runbooks need to know about the app.
func (a *App) Domain() deploy.App {
	app := deploy.App{
		Name: a.Name, Slices: a.Slices(), Promote: a.Promote, Branch: a.Repository.Branch, Migrate: a.Migrate,
		Health: deploy.Health{
			Path: a.Health.Path, Status: a.Health.Status, Timeout: a.Health.Timeout.Std(),
			Interval: a.Health.Interval.Std(), Successes: a.Health.Successes, Deadline: a.Health.Deadline.Std(),
			ReleasePath: a.Health.ReleasePath,
		},
		HoldTimeout:  a.Cutover.HoldTimeout.Std(),
		DrainTimeout: a.Cutover.DrainTimeout.Std(), LingerTimeout: a.Cutover.LingerTimeout.Std(),
		Watch: deploy.Watch{
			Duration: a.Watch.Duration.Std(), Interval: a.Watch.Interval.Std(), Failures: a.Watch.Failures,
		},
		Timeouts: deploy.Timeouts{
			Fetch: a.Timeouts.Fetch.Std(), Build: a.Timeouts.Build.Std(), Migrate: a.Timeouts.Migrate.Std(),
			Start: a.Timeouts.Start.Std(), Copy: a.Timeouts.Copy.Std(),
		},
		KeepReleases: a.KeepReleases,
	}
	for _, check := range a.Smoke {
		app.Smoke = append(app.Smoke, deploy.Check(check))
	}
	app.Mirroring = a.Data != nil && a.Data.Mirroring
	return app
}
