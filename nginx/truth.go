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
	// Hold is the name of the hold, which its sign carries too, and To the route that counts once the sign says so. Both
	// are missing in the files of a verdigris from before there were signs.
	Hold string        `json:"hold,omitempty"`
	To   *deploy.Route `json:"to,omitempty"`

	loaded uint64 // the generation of the file itself
	turned bool   // the sign says the next slice
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
	slices := []deploy.Slice{t.Slice}
	if t.Hold != "" {
		if t.To == nil || t.To.Slice != t.Next {
			return truth{}, errors.New("its first line names a hold and not where that leads")
		}
		slices = append(slices, t.Next)
	}
	for _, slice := range slices {
		if slice != "" && !slice.Production() {
			return truth{}, fmt.Errorf("its first line names the slice %q, which cannot be live", slice)
		}
	}
	t.loaded = t.Generation
	return t, nil
}

// readTruth returns a zero truth when the file does not exist. Of a hold it is what counted when that began.
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

// truth reads where traffic goes: the upstream file says it and, while that is a hold's, the hold's sign.
func (r *Router) truth() (truth, error) {
	t, err := readTruth(r.settings.conf(upstreamFile))
	for err == nil && t.Hold != "" {
		var now truth
		t.turned, err = r.says(sign{t.Hold, t.Next})
		if err != nil {
			return truth{}, fmt.Errorf("read route: %w", err)
		}
		// A hold that ended in between may have taken its sign along.
		if now, err = readTruth(r.settings.conf(upstreamFile)); err == nil && now.Hold == t.Hold {
			if t.turned {
				t.Route = *t.To
			}
			return t, nil
		}
		t = now
	}
	return t, err
}
