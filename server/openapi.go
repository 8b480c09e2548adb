package server

import (
	_ "embed"
	"net/http"

	"github.com/labstack/echo/v4"
)

// description is the OpenAPI 3.1 description of every route.
//
//go:embed openapi.json
var description []byte

func (s *Server) describe(c echo.Context) error {
	return c.JSONBlob(http.StatusOK, description)
}
