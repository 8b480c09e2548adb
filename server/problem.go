package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"verdigris/deploy"
)

// problem is the body of every answer that says no: problem details as in RFC 9457, with two members of our own.
type problem struct {
	// Type tells kinds of problems apart for programs: "urn:verdigris:problem:" and a word of docs/api.md.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Instance is the path of the request.
	Instance string `json:"instance"`
	// Next is what to do about it.
	Next string `json:"next,omitempty"`
	// RequestID finds the request in the log.
	RequestID string `json:"request_id"`

	retryAfter string // seconds
}

// statusError is an error of this package with the status that answers it.
type statusError struct {
	status int
	reason string
}

func (e *statusError) Error() string   { return e.reason }
func (e *statusError) StatusCode() int { return e.status }

// problemTypes name the kinds of problems by status.
var problemTypes = map[int]string{
	http.StatusBadRequest: "bad-request", http.StatusUnauthorized: "unauthorized", http.StatusNotFound: "not-found",
	http.StatusMethodNotAllowed: "method-not-allowed", http.StatusConflict: "conflict",
	http.StatusRequestEntityTooLarge: "too-large", http.StatusUnsupportedMediaType: "unsupported-media-type",
	http.StatusTooManyRequests: "too-many-requests", http.StatusInternalServerError: "internal",
	http.StatusServiceUnavailable: "unavailable", http.StatusGatewayTimeout: "timeout",
}

// answerError is the one place where an error becomes an answer.
func (s *Server) answerError(err error, c echo.Context) {
	p := explain(err)
	if p.Status == http.StatusInternalServerError {
		s.logger().Error("request failed", "error", err, "route", c.Path(), "request_id", requestID(c))
	}
	if c.Response().Committed {
		return // a stream broke off; there is no way to say more
	}
	p.Type, p.Title = "urn:verdigris:problem:"+problemTypes[p.Status], http.StatusText(p.Status)
	p.Instance, p.RequestID = c.Request().URL.Path, requestID(c)
	header := c.Response().Header()
	if p.retryAfter != "" {
		header.Set("Retry-After", p.retryAfter)
	}
	if p.Status == http.StatusRequestEntityTooLarge {
		header.Set("Connection", "close") // what is left of the body is not worth reading
	}
	header.Set(echo.HeaderContentType, "application/problem+json")
	if err := c.JSON(p.Status, p); err != nil {
		s.logger().Debug("answer not delivered", "error", err, "request_id", requestID(c))
	}
}

// explain says what an error means to the one who asked. What is not known to be meant for them stays inside.
func explain(err error) problem {
	var (
		input    *deploy.InputError
		conflict *deploy.ConflictError
		carrier  interface{ StatusCode() int }
		routing  *echo.HTTPError
		tooLarge *http.MaxBytesError
		tooSoon  *deploy.TooSoonError
	)
	switch {
	case errors.As(err, &conflict):
		return problem{Status: http.StatusConflict, Detail: conflict.Reason, Next: conflict.Next}
	case errors.As(err, &input):
		return problem{Status: http.StatusBadRequest, Detail: input.Reason}
	case errors.Is(err, deploy.ErrUnknownApp):
		return problem{Status: http.StatusNotFound, Detail: deploy.ErrUnknownApp.Error(), Next: "GET /apps lists the apps"}
	case errors.Is(err, deploy.ErrUnknownDeployment):
		return problem{Status: http.StatusNotFound, Detail: deploy.ErrUnknownDeployment.Error(), Next: "GET /deployments lists the newest ones"}
	case errors.Is(err, deploy.ErrUnknownCommit):
		return problem{Status: http.StatusBadRequest, Detail: deploy.ErrUnknownCommit.Error(), Next: "push the commit first"}
	case errors.Is(err, deploy.ErrUnknownRef):
		return problem{Status: http.StatusBadRequest, Detail: deploy.ErrUnknownRef.Error(), Next: "check repository.branch in verdigris.yml, or name a commit"}
	case errors.Is(err, deploy.ErrQueueFull):
		return problem{Status: http.StatusServiceUnavailable, Detail: deploy.ErrQueueFull.Error(), Next: "try again when some have ended", retryAfter: "30"}
	case errors.As(err, &tooSoon):
		return problem{Status: http.StatusTooManyRequests, Detail: tooSoon.Error(), retryAfter: strconv.Itoa(int(tooSoon.Wait.Seconds()) + 1),
			Next: "see why it was aborted: verdigris history " + strconv.FormatInt(tooSoon.Deployment, 10)}
	case errors.As(err, &tooLarge):
		return problem{Status: http.StatusRequestEntityTooLarge, Detail: "the body is larger than this route takes"}
	case errors.As(err, &routing):
		return routingProblem(routing.Code)
	case errors.As(err, &carrier) && problemTypes[carrier.StatusCode()] != "" && carrier.StatusCode() != http.StatusInternalServerError:
		return carried(carrier.StatusCode(), err)
	case errors.Is(err, context.Canceled): // by the one who asked, so nobody reads this
		return problem{Status: http.StatusServiceUnavailable, Detail: "the request was called off"}
	case errors.Is(err, context.DeadlineExceeded):
		return problem{Status: http.StatusGatewayTimeout, Detail: "it took too long", Next: "see GET /status for how things stand"}
	}
	return internal(err)
}

func routingProblem(code int) problem {
	switch code {
	case http.StatusNotFound:
		return problem{Status: code, Detail: nothingHere, Next: "GET /openapi.json describes what there is"}
	case http.StatusMethodNotAllowed:
		return problem{Status: code, Detail: "this path does not take that method", Next: "GET /openapi.json describes what there is"}
	}
	return problem{Status: http.StatusBadRequest, Detail: "the request cannot be read"}
}

// nothingHere is the same for a path that does not exist and for a webhook of an app that does not exist, so that
// strangers cannot learn the names of apps.
const nothingHere = "there is nothing at this path"

func carried(status int, err error) problem {
	p := problem{Status: status, Detail: err.Error()}
	switch status {
	case http.StatusServiceUnavailable:
		p.retryAfter = "10"
	case http.StatusTooManyRequests:
		p.retryAfter = "60"
	}
	return p
}

// internal says that something is wrong here. A hint is written for people, so it may be passed on; the error itself
// may hold anything and goes to the log.
func internal(err error) problem {
	p := problem{Status: http.StatusInternalServerError, Detail: "something went wrong inside verdigris", Next: "look for the request_id in the log of verdigris"}
	var hinted *deploy.HintedError
	if errors.As(err, &hinted) && hinted.Next != "" {
		p.Next = strings.TrimSpace(hinted.Next)
	}
	return p
}
