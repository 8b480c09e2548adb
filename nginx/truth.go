package nginx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"verdigris/deploy"
)

// truth is what the first line of an upstream file says: where traffic goes, and whether it waits at the gate.
type truth struct {
	deploy.Route
	// Next is the slice that a hold is about to route to; empty where nothing is held.
	Next deploy.Slice `json:"next,omitempty"`
}

const truthMark = "# verdigris: "

// header writes the truth as one comment line. JSON escapes line breaks, so no value can leave the comment.
func (t truth) header() (string, error) {
	if t.Endpoints == nil {
		t.Endpoints = []deploy.Endpoint{}
	}
	text, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("write route: %w", err)
	}
	return truthMark + string(text), nil
}

var errNoTruth = errors.New("the first line is not verdigris's")

func parseTruth(content []byte) (truth, error) {
	line, _, _ := bytes.Cut(content, []byte("\n"))
	text, found := bytes.CutPrefix(line, []byte(truthMark))
	if !found {
		return truth{}, errNoTruth
	}
	var t truth
	if err := json.Unmarshal(text, &t); err != nil {
		return truth{}, fmt.Errorf("its first line cannot be read: %w", err)
	}
	if t.Slice != "" && !t.Slice.Production() {
		return truth{}, fmt.Errorf("its first line names the slice %q, which cannot be live", t.Slice)
	}
	return t, nil
}

// readTruth returns a zero truth when the file does not exist.
func readTruth(file string) (truth, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return truth{}, nil
	}
	if err != nil {
		return truth{}, fmt.Errorf("read route: %w", err)
	}
	t, err := parseTruth(content)
	if err != nil {
		return truth{}, &deploy.HintedError{
			Err:  fmt.Errorf("read route: %s: %w", file, err),
			Next: "the router goes on as it is until it restarts; move the file away, run verdigris up, and name the slice to serve: verdigris switch blue (or green)",
		}
	}
	return t, nil
}
