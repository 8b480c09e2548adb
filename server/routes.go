package server

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// routes is the whole list of what the server answers.
func (s *Server) routes() *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = s.answerError
	e.Use(s.identify, s.observe, s.recoverPanics)

	e.GET("/health", s.health)
	e.GET("/ready", s.ready)
	e.GET("/openapi.json", s.describe)
	e.GET("/metrics", s.Metrics.serve, s.reads)

	e.POST("/webhooks/github", s.webhook("github"))
	e.POST("/webhooks/github/:app", s.webhook("github"))

	e.GET("/apps", s.apps, s.reads)
	e.GET("/deployments/:id", s.deployment, s.reads)
	e.GET("/deployments/:id/events", s.events, s.reads)
	// Everything about one app, for the default app and for each by its name.
	for _, prefix := range []string{"", "/apps/:app"} {
		e.GET(prefix+"/status", s.status, s.reads)
		e.GET(prefix+"/deployments", s.deployments, s.reads)
		e.POST(prefix+"/deploy/:slice", s.deploy, s.writes)
		e.POST(prefix+"/switch", s.switchTo, s.writes)
		e.POST(prefix+"/rollback", s.rollback, s.writes)
		e.POST(prefix+"/stop/:slice", s.stop, s.writes)
		e.GET(prefix+"/mirroring", s.mirroring, s.reads)
		e.PUT(prefix+"/mirroring", s.setMirroring, s.writes)
	}
	e.GET("/apps/:app/deployments/:id", s.deployment, s.reads)
	e.GET("/apps/:app/deployments/:id/events", s.events, s.reads)
	return e
}

// app names the app that a request is about.
func (s *Server) app(c echo.Context) string {
	if name := c.Param("app"); name != "" {
		return name
	}
	return s.DefaultApp
}

func (s *Server) health(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}
