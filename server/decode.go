package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"verdigris/deploy"
)

// decode reads a JSON object from the body into a struct. An empty body leaves the struct as it is; an unknown field
// is an error, since a misspelt option must not be passed over. The same holds for options in the URL.
func (s *Server) decode(c echo.Context, into any, options ...string) error {
	if err := checkQuery(c.Request().URL.RawQuery, options); err != nil {
		return err
	}
	body := http.MaxBytesReader(c.Response(), c.Request().Body, s.MaxBody)
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	switch err := decoder.Decode(into); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return badBody(err)
	}
	switch _, err := decoder.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, new(*http.MaxBytesError)):
		return err
	}
	return &deploy.InputError{Reason: "the body has more than one JSON value"}
}

// checkQuery refuses parameters of a URL that are not known, are given twice or cannot be read.
func checkQuery(raw string, known []string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return &deploy.InputError{Reason: fmt.Sprintf("read the query of the URL: %v", err)}
	}
	for name, values := range query {
		switch {
		case !slices.Contains(known, name):
			return &deploy.InputError{Reason: fmt.Sprintf("the URL has a parameter %q, which this route does not take", name)}
		case len(values) > 1:
			return &deploy.InputError{Reason: fmt.Sprintf("the URL has the parameter %q more than once", name)}
		}
	}
	return nil
}

// badBody says what is wrong without the names of our types.
func badBody(err error) error {
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return err
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return &deploy.InputError{Reason: fmt.Sprintf("the field %q cannot be a %s", wrongType.Field, wrongType.Value)}
	case errors.As(err, &wrongType):
		return &deploy.InputError{Reason: fmt.Sprintf("the body must be a JSON object, not a %s", wrongType.Value)}
	}
	return &deploy.InputError{Reason: "read the JSON body: " + strings.TrimPrefix(err.Error(), "json: ")}
}
