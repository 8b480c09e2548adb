package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"verdigris/deploy"
)

func (s *Server) mirroring(c echo.Context) error {
	m, err := s.controller.Mirroring(c.Request().Context(), s.app(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, m)
}

// setMirroring switches the mirror. Nothing is assumed where the body does not say to what.
func (s *Server) setMirroring(c echo.Context) error {
	var body struct {
		On   *bool        `json:"on"`
		From deploy.Slice `json:"from"`
	}
	if err := s.decode(c, &body); err != nil {
		return err
	}
	if body.On == nil {
		return &deploy.InputError{Reason: `the body must say what to switch to: {"on": true} or {"on": false}`}
	}
	m, err := s.controller.SetMirroring(c.Request().Context(), s.app(c), deploy.MirrorRequest{On: *body.On, From: body.From})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, m)
}
