package oracle

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"verdigris/compose"
)

// upper is one way to bring a project up.
type upper struct {
	name string
	up   func(*trial, context.Context) error
}

var (
	withSDK  = upper{"sdk", (*trial).upTheirs}
	withOurs = upper{"verdigris", (*trial).upOurs}
	with129  = upper{"compose-1.29", (*trial).upOld}
	watching = upper{"verdigris-watching", (*trial).upWatched}
)

// upWatched is upOurs as it is by default: with a look whether what was started goes on running.
func (tr *trial) upWatched(ctx context.Context) error {
	returnsAtOnce := tr.runtime.Settle
	defer func() { tr.runtime.Settle = returnsAtOnce }()
	tr.runtime.Settle = compose.New(nil, compose.Settings{}).Settle
	return tr.upOurs(ctx)
}

// upOld brings the project up with docker-compose 1.29, the program.
func (tr *trial) upOld(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker-compose", "-p", tr.project, "-f", filepath.Join(tr.dir, tr.sample.files[0]), "up", "-d")
	cmd.Dir = tr.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("docker-compose up: %w\n%s", err, out)
	}
	return nil
}

// BenchmarkUp brings up what is not there yet, all ways in turn. Verdigris goes on to watch what it started for a moment,
// which no Compose does; it is measured as they are, and with that.
func BenchmarkUp(b *testing.B) {
	for name, ways := range map[string][]upper{"one": {withSDK, withOurs, watching}, "twenty": {withSDK, withOurs, watching, with129}} {
		b.Run(name, func(b *testing.B) {
			tr := speedTrial(b, name)
			spent := map[string]time.Duration{}
			for b.Loop() {
				for _, w := range ways {
					spent[w.name] += tr.time(w)
					tr.remove()
				}
			}
			reportRatios(b, spent)
		})
	}
}

// BenchmarkUpUnchanged brings up what is there already, made by the same side.
func BenchmarkUpUnchanged(b *testing.B) {
	there := map[string]*trial{}
	ways := []upper{withSDK, withOurs}
	spent := map[string]time.Duration{}
	for _, w := range ways {
		there[w.name] = speedTrial(b, "twenty")
		there[w.name].time(w)
	}
	for b.Loop() {
		for _, w := range ways {
			spent[w.name] += there[w.name].time(w)
		}
	}
	reportRatios(b, spent)
}

func speedTrial(b *testing.B, name string) *trial {
	b.Helper()
	tr := newTrial(b, sample{name: "speed/" + name, files: []string{name + ".yml"}}, "")
	tr.runtime.Settle = 0
	return tr
}

func (tr *trial) time(w upper) time.Duration {
	tr.t.Helper()
	start := time.Now()
	if err := w.up(tr, tr.t.Context()); err != nil {
		tr.t.Fatal(err)
	}
	return time.Since(start)
}

// reportRatios reports the mean of each way, and the others as multiples of the SDK's.
func reportRatios(b *testing.B, spent map[string]time.Duration) {
	b.ReportMetric(0, "ns/op")
	for name, d := range spent {
		b.ReportMetric(float64(d.Milliseconds())/float64(b.N), name+"-ms")
		if name != withSDK.name {
			b.ReportMetric(float64(d)/float64(spent[withSDK.name]), name+"/sdk")
		}
	}
}
