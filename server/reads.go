package server

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"verdigris/deploy"
)

// maxListed bounds how many deployments one request lists.
const maxListed = 500

// appEntry is one app in the list of apps.
type appEntry struct {
	Name string `json:"name"`
	// Default tells that the routes without an app's name serve this one.
	Default bool `json:"default"`
}

func (s *Server) apps(c echo.Context) error {
	list := []appEntry{}
	for _, name := range s.controller.Apps() {
		list = append(list, appEntry{Name: name, Default: name == s.DefaultApp})
	}
	return c.JSON(http.StatusOK, list)
}

func (s *Server) status(c echo.Context) error {
	status, err := s.controller.Status(c.Request().Context(), s.app(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, status)
}

func (s *Server) deployments(c echo.Context) error {
	limit := 50
	if text := c.QueryParam("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxListed {
			return &deploy.InputError{Reason: fmt.Sprintf("limit takes a number from 1 to %d", maxListed)}
		}
		limit = n
	}
	list, err := s.controller.Deployments(c.Request().Context(), s.app(c), limit)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, list)
}

func (s *Server) deployment(c echo.Context) error {
	d, err := s.find(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d)
}

// find reads the deployment that the path names. Below /apps/:app it must be one of that app.
func (s *Server) find(c echo.Context) (deploy.Deployment, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id < 1 {
		return deploy.Deployment{}, deploy.ErrUnknownDeployment
	}
	d, err := s.controller.Deployment(c.Request().Context(), id)
	if err != nil {
		return d, err
	}
	if app := c.Param("app"); app != "" && app != d.App {
		return deploy.Deployment{}, deploy.ErrUnknownDeployment
	}
	return d, nil
}
