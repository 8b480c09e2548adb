package compose

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/docker/docker/pkg/jsonmessage"

	"verdigris/deploy"
)

// readMessages reads the engine's stream of messages to its end, hands complete lines to log and messages with
// other content to aux. An error in the stream is the build's error.
func readMessages(body io.Reader, aux func(id string, content json.RawMessage), log deploy.Log) error {
	decoder := json.NewDecoder(body)
	lines := &lineWriter{line: log}
	defer lines.flush()
	for {
		var m jsonmessage.JSONMessage
		err := decoder.Decode(&m)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the engine's answer: %w", err)
		}
		switch {
		case m.Error != nil:
			return errors.New(m.Error.Message)
		case m.Aux != nil && aux != nil:
			aux(m.ID, *m.Aux)
		case m.Stream != "":
			lines.write(m.Stream)
		case m.Status != "" && m.Progress == nil:
			log(strings.TrimSpace(m.ID + " " + m.Status))
		}
	}
}

// lineWriter cuts text into lines and leaves out empty ones.
type lineWriter struct {
	line    deploy.Log
	pending string
}

func (w *lineWriter) write(text string) {
	lines := strings.Split(w.pending+text, "\n")
	w.pending = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		w.emit(line)
	}
}

func (w *lineWriter) flush() {
	w.emit(w.pending)
	w.pending = ""
}

func (w *lineWriter) emit(line string) {
	if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
		w.line(line)
	}
}
