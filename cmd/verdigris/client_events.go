package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"verdigris/deploy"
)

// events calls each for every event of a deployment after the one with that number, until the stream ends. The
// stream is text/event-stream as in the HTML standard, section 9.2; the event's id is its number.
func (c *client) events(ctx context.Context, id, after int64, each func(deploy.Event)) error {
	response, err := c.send(ctx, http.MethodGet, fmt.Sprintf("/deployments/%d/events?after=%d", id, after), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return readEvents(response.Body, func(data string) error {
		var e deploy.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("read event: %w", err)
		}
		each(e)
		return nil
	})
}

// readEvents calls each with the data of every event. Comments, which keep the connection awake, are skipped.
func readEvents(stream io.Reader, each func(data string) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 1<<20)
	var data []string
	for lines.Scan() {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, "data:"); ok {
			data = append(data, strings.TrimPrefix(rest, " "))
		}
		if line != "" || len(data) == 0 {
			continue
		}
		if err := each(strings.Join(data, "\n")); err != nil {
			return err
		}
		data = nil
	}
	return lines.Err()
}
