package main

import (
	"fmt"

	"verdigris/compose"
	"verdigris/config"
	"verdigris/deploy"
)

// wayNotes say what holds where the networks between the router and the slices cannot do all of it by themselves.
func wayNotes(app *config.App) []string {
	if app.Web.Address == config.AddressHost {
		return []string{fmt.Sprintf("apps.%s.web.address is host: the router goes by the ports that the slices publish, so each has to publish a fixed one that no other slice has; a release that does not is refused", app.Name)}
	}
	if app.Router.Kind != config.RouterFile || app.Router.Container != "" {
		return nil
	}
	s := compose.Settings{App: app.Name}
	return []string{fmt.Sprintf("apps.%s.router: an nginx on this machine reaches the slices by the addresses of their networks; one in a container has to be connected to them: docker network connect %s CONTAINER && docker network connect %s CONTAINER",
		app.Name, s.RouteNetwork(deploy.Blue), s.RouteNetwork(deploy.Green))}
}
