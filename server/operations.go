package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"verdigris/deploy"
)

// autoSlice is what a request says for "the idle slice, whichever that is".
const autoSlice = "auto"

// deploy queues a deployment to the slice that the path names.
func (s *Server) deploy(c echo.Context) error {
	slice, err := pathSlice(c, true)
	if err != nil {
		return err
	}
	var body struct {
		Commit  string `json:"commit"`
		Rebuild bool   `json:"rebuild"`
		Promote bool   `json:"promote"`
	}
	if err := s.decode(c, &body); err != nil {
		return err
	}
	request := deploy.DeployRequest{Slice: slice, Rebuild: body.Rebuild, Promote: body.Promote, Trigger: trigger(c)}
	if body.Commit != "" {
		if request.Commit, err = deploy.ParseCommit(body.Commit); err != nil {
			return err
		}
	}
	d, err := s.controller.Deploy(c.Request().Context(), s.app(c), request)
	return accepted(c, d, err)
}

// switchTo queues a move of the traffic or, as a dry run, says what it would do.
func (s *Server) switchTo(c echo.Context) error {
	var body struct {
		To string `json:"to"`
	}
	if err := s.decode(c, &body, "dry_run"); err != nil {
		return err
	}
	request := deploy.SwitchRequest{Trigger: trigger(c)}
	if body.To != "" {
		to, err := deploy.ParseSlice(body.To)
		if err != nil {
			return err
		}
		request.To = to
	}
	dry, err := dryRun(c)
	if err != nil {
		return err
	}
	if dry {
		return s.planSwitch(c, request)
	}
	d, err := s.controller.Switch(c.Request().Context(), s.app(c), request)
	return accepted(c, d, err)
}

func (s *Server) planSwitch(c echo.Context, request deploy.SwitchRequest) error {
	plan, err := s.controller.PlanSwitch(c.Request().Context(), s.app(c), request)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, plan)
}

// dryRun refuses what is neither true nor false: a dry run that is misspelt must not move the traffic.
func dryRun(c echo.Context) (bool, error) {
	query := c.QueryParams()
	if !query.Has("dry_run") {
		return false, nil
	}
	dry, err := strconv.ParseBool(query.Get("dry_run"))
	if err != nil {
		return false, &deploy.InputError{Reason: fmt.Sprintf("dry_run takes true or false, not %q", query.Get("dry_run"))}
	}
	return dry, nil
}

// rollback queues the way back to the previous slice.
func (s *Server) rollback(c echo.Context) error {
	if err := s.decode(c, &struct{}{}); err != nil {
		return err
	}
	d, err := s.controller.Rollback(c.Request().Context(), s.app(c), trigger(c))
	return accepted(c, d, err)
}

// stop stops the containers of a slice and answers when they are gone, which takes as long as they do.
func (s *Server) stop(c echo.Context) error {
	slice, err := pathSlice(c, false)
	if err != nil {
		return err
	}
	if err := s.decode(c, &struct{}{}); err != nil {
		return err
	}
	extend(c, s.StopTimeout+10*time.Second)
	ctx, cancel := context.WithTimeout(c.Request().Context(), s.StopTimeout)
	defer cancel()
	if err := s.controller.Stop(ctx, s.app(c), slice); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// accepted answers with a deployment that was queued and says where to follow it.
func accepted(c echo.Context, d deploy.Deployment, err error) error {
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderLocation, location(d))
	return c.JSON(http.StatusAccepted, d)
}

func location(d deploy.Deployment) string { return fmt.Sprintf("/deployments/%d", d.ID) }

// pathSlice reads the slice from the path; auto is the empty slice. A slice that does not exist is a path that does
// not exist.
func pathSlice(c echo.Context, auto bool) (deploy.Slice, error) {
	name := c.Param("slice")
	if auto && name == autoSlice {
		return "", nil
	}
	slice, err := deploy.ParseSlice(name)
	if err != nil {
		return "", &statusError{http.StatusNotFound, err.Error()}
	}
	return slice, nil
}

// trigger says who asks. Our own command line is told apart by its User-Agent, which is for the record alone.
func trigger(c echo.Context) deploy.Trigger {
	t := deploy.Trigger{By: deploy.ByAPI, Who: caller(c)}
	if strings.HasPrefix(c.Request().UserAgent(), "verdigris/") {
		t.By = deploy.ByCLI
	}
	return t
}

// extend gives a slow answer more time than the others have. A connection without deadlines keeps going anyway.
func extend(c echo.Context, more time.Duration) {
	control := http.NewResponseController(c.Response())
	_ = control.SetReadDeadline(time.Now().Add(more))
	_ = control.SetWriteDeadline(time.Now().Add(more))
}
