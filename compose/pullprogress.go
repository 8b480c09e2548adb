package compose

import (
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/pkg/jsonmessage"

	"verdigris/deploy"
)

// pullInterval is the least time between two lines about the progress of a pull.
const pullInterval = 2 * time.Second

// pullProgress turns what the engine says about each layer of an image into a few lines about the image.
type pullProgress struct {
	what   string // e.g. web: pull nginx:1.28
	log    deploy.Log
	begun  time.Time
	layers map[string]*layer
	last   time.Time
	said   string
	digest string
	fresh  bool // the image was fetched, not found to be up to date
}

type layer struct {
	size, have int64 // in bytes; the size shows when the download begins
	done, here bool  // here was on this machine before
}

func newPullProgress(what string, log deploy.Log) *pullProgress {
	now := time.Now()
	log(what)
	return &pullProgress{what: what, log: log, begun: now, last: now, layers: map[string]*layer{}}
}

// read takes in one message and now and then tells how far the pull is.
func (p *pullProgress) read(m jsonmessage.JSONMessage) {
	switch digest, found := strings.CutPrefix(m.Status, "Digest: "); {
	case found:
		p.digest = digest
	case strings.HasPrefix(m.Status, "Status: Downloaded newer image"):
		p.fresh = true
	case m.ID != "":
		p.readLayer(m)
	}
	if time.Since(p.last) < pullInterval || len(p.layers) == 0 {
		return
	}
	if line := fmt.Sprintf("%s: %s", p.what, p); line != p.said {
		p.log(line)
		p.last, p.said = time.Now(), line
	}
}

func (p *pullProgress) readLayer(m jsonmessage.JSONMessage) {
	status := m.Status
	if strings.HasPrefix(status, "Pulling from") { // its id is the tag
		return
	}
	l := p.layers[m.ID]
	if l == nil {
		l = &layer{}
		p.layers[m.ID] = l
	}
	switch status {
	case "Already exists":
		l.done, l.here = true, true
	case "Pull complete":
		l.done, l.have = true, l.size
	case "Download complete", "Verifying Checksum", "Extracting":
		l.have = l.size
	case "Downloading":
		if m.Progress != nil {
			l.have, l.size = m.Progress.Current, max(m.Progress.Total, m.Progress.Current)
		}
	}
}

// String says how far the pull is, e.g. 3 of 7 layers, 12.3 of 48.0 MB. A layer that waits has no size yet.
func (p *pullProgress) String() string {
	done := 0
	for _, l := range p.layers {
		if l.done {
			done++
		}
	}
	have, size := p.bytes()
	return fmt.Sprintf("%d of %d layers, %s of %s MB", done, len(p.layers), megabytes(have), megabytes(size))
}

func (p *pullProgress) bytes() (have, size int64) {
	for _, l := range p.layers {
		have, size = have+l.have, size+l.size
	}
	return have, size
}

// end tells how the pull went.
func (p *pullProgress) end() {
	if !p.fresh {
		p.log(fmt.Sprintf("%s: up to date, %s", p.what, p.digest))
		return
	}
	_, size := p.bytes()
	p.log(fmt.Sprintf("%s: done in %.1f s, %s MB, %s", p.what, time.Since(p.begun).Seconds(), megabytes(size), p.digest))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
