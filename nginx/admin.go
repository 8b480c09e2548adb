package nginx

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"verdigris/deploy"
)

// askTimeout bounds one question about the router itself.
const askTimeout = 2 * time.Second

// admin asks the router about itself, on the socket that is for verdigris alone.
type admin struct{ socket string }

func (r *Router) admin() admin { return admin{r.settings.run(adminSocket)} }

// generationHeader is the number of the configuration that the answering worker runs, beside its slice.
const generationHeader = "X-Verdigris-Generation"

// generation returns the number of the configuration that the answering worker runs.
func (a admin) generation(ctx context.Context) (uint64, error) {
	body, _, err := a.get(ctx, "/generation")
	if err != nil {
		return 0, fmt.Errorf("ask router for its generation: %w", err)
	}
	return parseGeneration(body)
}

func parseGeneration(text string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("ask router for its generation: it answers %q", text)
	}
	return n, nil
}

// slice returns the slice that the router sends requests to, those aside that ask the gate.
func (a admin) slice(ctx context.Context) (deploy.Slice, error) {
	body, _, err := a.get(ctx, "/slice")
	if err != nil {
		return "", fmt.Errorf("ask router for its slice: %w", err)
	}
	return deploy.Slice(strings.TrimSpace(body)), nil
}

// state returns both, of one worker where its configuration was written by this version.
func (a admin) state(ctx context.Context) (deploy.Slice, uint64, error) {
	body, header, err := a.get(ctx, "/slice")
	if err != nil {
		return "", 0, fmt.Errorf("ask router for its slice: %w", err)
	}
	slice := deploy.Slice(strings.TrimSpace(body))
	if number := header.Get(generationHeader); number != "" {
		generation, err := parseGeneration(number)
		return slice, generation, err
	}
	generation, err := a.generation(ctx)
	return slice, generation, err
}

// get asks for one of the router's own pages, over a connection of its own: one that is kept would stay with a worker that a
// reload sends away. It is asked every second, and a client with goroutines of its own would cost several times as much.
func (a admin) get(ctx context.Context, path string) (string, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	conn, err := dialSocket(ctx, a.socket)
	if err != nil {
		return "", nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })()
	body, header, err := getOver(conn, path)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return body, header, err
}

func getOver(conn net.Conn, path string) (string, http.Header, error) {
	request, err := http.NewRequest(http.MethodGet, "http://router"+path, nil)
	if err != nil {
		return "", nil, err
	}
	request.Close = true
	if err := request.Write(conn); err != nil {
		return "", nil, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err != nil {
		return "", nil, err
	}
	if response.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("status %d", response.StatusCode)
	}
	return string(body), response.Header, nil
}
