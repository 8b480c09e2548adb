package compose

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// statement is one key of a service with a value, and what `docker inspect` must show because of it.
type statement struct {
	file string // as it stands below the service
	path string // in the engine's answer
	want any    // as JSON has it
}

// statements draw a value for each key. They say by themselves what a value means, and know nothing of the mapping.
var statements = []func(t *rapid.T) statement{
	func(t *rapid.T) statement {
		n := rapid.IntRange(1, 8).Draw(t, "cpus") // eighths, which numbers of 32 bits hold exactly
		return statement{fmt.Sprintf("cpus: %g", float64(n)/8), "HostConfig.NanoCpus", float64(n) / 8 * 1e9}
	},
	func(t *rapid.T) statement {
		n := rapid.IntRange(6, 512).Draw(t, "mem")
		return statement{fmt.Sprintf("mem_limit: %dm", n), "HostConfig.Memory", float64(n << 20)}
	},
	func(t *rapid.T) statement {
		n := rapid.IntRange(1, 1024).Draw(t, "shm")
		return statement{fmt.Sprintf("shm_size: %dkb", n), "HostConfig.ShmSize", float64(n << 10)}
	},
	func(t *rapid.T) statement {
		n := rapid.IntRange(1, 5000).Draw(t, "pids")
		return statement{fmt.Sprintf("pids_limit: %d", n), "HostConfig.PidsLimit", float64(n)}
	},
	func(t *rapid.T) statement {
		n := rapid.IntRange(-1000, 1000).Draw(t, "oom")
		return statement{fmt.Sprintf("oom_score_adj: %d", n), "HostConfig.OomScoreAdj", float64(n)}
	},
	func(t *rapid.T) statement {
		n := rapid.IntRange(1, 3599).Draw(t, "grace")
		return statement{fmt.Sprintf("stop_grace_period: %dm%ds", n/60, n%60), "Config.StopTimeout", float64(n)}
	},
	func(t *rapid.T) statement {
		signal := rapid.SampledFrom([]string{"SIGINT", "SIGQUIT", "SIGUSR1"}).Draw(t, "signal")
		return statement{"stop_signal: " + signal, "Config.StopSignal", signal}
	},
	func(t *rapid.T) statement {
		n := rapid.IntRange(1, 9).Draw(t, "attempts")
		return statement{fmt.Sprintf("restart: on-failure:%d", n), "HostConfig.RestartPolicy", map[string]any{"Name": "on-failure", "MaximumRetryCount": float64(n)}}
	},
	func(t *rapid.T) statement {
		soft, more := rapid.IntRange(1, 500).Draw(t, "soft"), rapid.IntRange(0, 500).Draw(t, "more")
		return statement{
			fmt.Sprintf("ulimits: {nofile: {soft: %d, hard: %d}}", soft, soft+more), "HostConfig.Ulimits",
			[]any{map[string]any{"Name": "nofile", "Soft": float64(soft), "Hard": float64(soft + more)}},
		}
	},
	func(t *rapid.T) statement {
		seconds, retries := rapid.IntRange(1, 90).Draw(t, "interval"), rapid.IntRange(1, 9).Draw(t, "retries")
		return statement{
			fmt.Sprintf("healthcheck: {test: [CMD, \"true\"], interval: %ds, retries: %d}", seconds, retries), "Config.Healthcheck",
			map[string]any{"Test": []any{"CMD", "true"}, "Interval": float64(seconds) * 1e9, "Retries": float64(retries)},
		}
	},
	func(t *rapid.T) statement {
		word := rapid.StringMatching(`[a-z]{1,8}( [a-z]{1,8}){0,2}`).Draw(t, "words")
		return statement{fmt.Sprintf("command: [echo, %q]", word), "Config.Cmd", []any{"echo", word}}
	},
	func(t *rapid.T) statement {
		name := rapid.StringMatching(`[a-z]{1,12}`).Draw(t, "hostname")
		return statement{"hostname: " + name, "Config.Hostname", name}
	},
	func(t *rapid.T) statement {
		size := rapid.IntRange(1, 64).Draw(t, "size")
		return statement{fmt.Sprintf("tmpfs: [\"/run:size=%dm\"]", size), "HostConfig.Tmpfs", map[string]any{"/run": fmt.Sprintf("size=%dm", size)}}
	},
	func(t *rapid.T) statement {
		n := rapid.IntRange(128, 4096).Draw(t, "somaxconn")
		return statement{fmt.Sprintf("sysctls: {net.core.somaxconn: %d}", n), "HostConfig.Sysctls", map[string]any{"net.core.somaxconn": fmt.Sprint(n)}}
	},
	func(t *rapid.T) statement {
		mode := rapid.SampledFrom([]string{"rw", "ro"}).Draw(t, "mode")
		return statement{"volumes: [\"./data:/data:" + mode + "\"]", "HostConfig.Binds", []any{"DIR/data:/data:" + mode}}
	},
	flagged("read_only", "HostConfig.ReadonlyRootfs"),
	flagged("privileged", "HostConfig.Privileged"),
	flagged("tty", "Config.Tty"),
	flagged("stdin_open", "Config.OpenStdin"),
	flagged("init", "HostConfig.Init"),
}

func flagged(key, path string) func(t *rapid.T) statement {
	return func(t *rapid.T) statement {
		on := rapid.Bool().Draw(t, key)
		return statement{fmt.Sprintf("%s: %t", key, on), path, on}
	}
}

// TestEngine_RoundsOfDrawnServices_InspectsWhatTheFileMeant creates containers of drawn services, starts none, and removes
// each.
func TestEngine_RoundsOfDrawnServices_InspectsWhatTheFileMeant(t *testing.T) {
	t.Parallel()
	e := connected(t)
	site, random := newSite(t, e, ""), testkit.Random(t)
	testkit.Must(t, flag.Set("rapid.checks", "1"))
	testkit.Must(t, flag.Set("rapid.nofailfile", "true"))
	for range testkit.Rounds(t, 8) {
		testkit.Must(t, flag.Set("rapid.seed", strconv.FormatUint(random.Uint64()|1, 10))) // 0 would be any
		rapid.Check(t, site.inspectsWhatIsDrawn)
	}
}

// inspectsWhatIsDrawn draws a service of many keys, so that a few rounds have met each.
func (s *site) inspectsWhatIsDrawn(t *rapid.T) {
	var drawn []statement
	file := "services:\n  web:\n    image: " + debian + "\n    network_mode: none\n"
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(statements)-1), 8, len(statements), rapid.ID[int]).Draw(t, "keys") {
		one := statements[i](t)
		one.want = replaced(one.want, "DIR", s.dir)
		drawn = append(drawn, one)
		file += "    " + one.file + "\n"
	}
	s.write("blue.yml", file)
	shown, err := s.created(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	for _, one := range drawn {
		if got := lookUp(shown, one.path); !reflect.DeepEqual(got, one.want) {
			t.Errorf("%s: %s is %v, want %v", one.file, one.path, got, one.want)
		}
	}
}

// created makes blue's first container, and returns what the engine says of it once it is gone again.
func (s *site) created(ctx context.Context) (shown map[string]any, err error) {
	p, err := s.loadSlice(ctx, deploy.Blue, s.release(commitA))
	if err != nil {
		return nil, err
	}
	if err := s.check(p); err != nil {
		return nil, err
	}
	b, err := p.blueprint(p.Services["web"], 1)
	if err != nil {
		return nil, err
	}
	b.Config.Image = debian
	p.label(b, p.Services["web"], 1, "")
	id, err := s.engine.createContainer(ctx, b)
	if err != nil {
		return nil, err
	}
	defer func() {
		if gone := s.engine.discard(context.WithoutCancel(ctx), id); err == nil {
			err = gone
		}
	}()
	_, raw, err := s.engine.client.ContainerInspectWithRaw(ctx, id, false)
	if err == nil {
		err = json.Unmarshal(raw, &shown)
	}
	return shown, err
}

// lookUp returns what stands at the path of keys, nil where there is nothing.
func lookUp(value any, path string) any {
	for _, step := range strings.Split(path, ".") {
		inner, _ := value.(map[string]any)
		value = inner[step]
	}
	return value
}

// replaced puts the text into a list of texts.
func replaced(value any, old, new string) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	for i, v := range list {
		if text, ok := v.(string); ok {
			list[i] = strings.ReplaceAll(text, old, new)
		}
	}
	return list
}
