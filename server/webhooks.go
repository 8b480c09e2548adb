package server

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"verdigris/deploy"
)

// Hook verifies and parses one delivery. It must not keep body. An error may carry the status that answers it, 400,
// 401 or 415, by a method StatusCode() int; its text is then sent to the forge, which shows it to the owner of the
// repository.
type Hook func(header http.Header, body []byte) (HookResult, error)

// HookResult says what a verified delivery asks for.
type HookResult struct {
	// Ping tells that the forge just tries the webhook out.
	Ping bool
	// Ignored says why nothing is to be deployed; empty for a push that is.
	Ignored string
	// Push is what to deploy, unless the delivery is a ping or ignored.
	Push deploy.Push
}

// What became of a delivery: the result in the answer and in the metrics.
const (
	resultAccepted  = "accepted"
	resultDuplicate = "duplicate"
	resultIgnored   = "ignored"
	resultPing      = "ping"
)

// delivered is the answer to a delivery that was signed correctly.
type delivered struct {
	Result     string             `json:"result"`
	Reason     string             `json:"reason,omitempty"`
	Deployment *deploy.Deployment `json:"deployment,omitempty"`
	// Duplicate repeats what Result says, in the form of deploy.Outcome.
	Duplicate bool `json:"duplicate,omitempty"`
}

// pushTimeout is shorter than the 10 seconds that forges wait.
const pushTimeout = 8 * time.Second

// webhook answers deliveries of one forge. It never redirects: forges do not follow.
func (s *Server) webhook(forge string) echo.HandlerFunc {
	return func(c echo.Context) error {
		app := s.app(c)
		hook, ok := s.Hooks[forge][app]
		if !ok {
			return echo.ErrNotFound
		}
		status, answer, err := s.deliver(c, hook, app)
		if err != nil {
			s.Metrics.delivery(forge, app, refusal(err))
			return err
		}
		s.Metrics.delivery(forge, app, answer.Result)
		return c.JSON(status, answer)
	}
}

func (s *Server) deliver(c echo.Context, hook Hook, app string) (status int, answer delivered, err error) {
	body, err := s.readDelivery(c)
	if err != nil {
		return 0, delivered{}, err
	}
	defer body.free()
	result, err := hook(c.Request().Header, body.Bytes())
	if err != nil {
		if explain(err).Status == http.StatusUnauthorized {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Signature") // a 401 must name a scheme: RFC 9110, section 15.5.2
		}
		return 0, delivered{}, err
	}
	switch {
	case result.Ping:
		return http.StatusOK, delivered{Result: resultPing, Reason: "the webhook works"}, nil
	case result.Ignored != "":
		return http.StatusOK, delivered{Result: resultIgnored, Reason: result.Ignored}, nil
	}
	// A forge that hangs up must not leave the push half taken.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), pushTimeout)
	defer cancel()
	outcome, err := s.controller.Push(ctx, app, result.Push)
	switch {
	case err != nil:
		return 0, delivered{}, err
	case outcome.Duplicate:
		return http.StatusOK, delivered{Result: resultDuplicate, Reason: "this push is known", Deployment: &outcome.Deployment, Duplicate: true}, nil
	}
	c.Response().Header().Set(echo.HeaderLocation, location(outcome.Deployment))
	return http.StatusAccepted, delivered{Result: resultAccepted, Deployment: &outcome.Deployment}, nil
}

// refusal names the result of a delivery that was not taken, for the metrics.
func refusal(err error) string {
	switch explain(err).Status {
	case http.StatusUnauthorized:
		return "unauthorized"
	case http.StatusRequestEntityTooLarge:
		return "too_large"
	case http.StatusServiceUnavailable:
		return "unavailable"
	case http.StatusInternalServerError, http.StatusGatewayTimeout:
		return "error"
	}
	return "invalid"
}
