package nginx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// foreign is somebody's own nginx that includes one file of verdigris's.
type foreign struct {
	*FileRouter
	conf string
}

func newForeign(t *testing.T, format Format, before string) *foreign {
	t.Helper()
	testkit.NeedProgram(t, "nginx")
	dir, addr := testkit.ShortDir(t), testkit.FreeAddress(t)
	file, conf, pid := filepath.Join(dir, "site.conf"), filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "nginx.pid")
	include := "include " + file + ";"
	if format == FormatServer {
		include = "upstream site { " + include + " }"
	}
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s/%s;\n", kind, dir, kind)
	}
	testkit.Must(t, os.WriteFile(file, []byte(before), 0o640))
	testkit.Must(t, os.WriteFile(conf, []byte(fmt.Sprintf(`pid %s; error_log stderr; events {}
		http { access_log off; %s %s server { listen %s; location / { proxy_pass http://site; } } }`, pid, temp.String(), include, addr)), 0o644))
	startDaemon(t, []string{"nginx", "-c", conf, "-g", "daemon off;"})
	f := &foreign{conf: conf, FileRouter: &FileRouter{
		File: file, Format: format, Upstream: "site", URL: "http://" + addr + "/",
		Test:   []string{"nginx", "-t", "-q", "-c", conf},
		Reload: []string{"nginx", "-s", "reload", "-c", conf},
	}}
	testkit.Eventually(t, "the nginx answers", func() bool {
		_, _, err := parted(f.Get(t.Context(), "/"))
		return err == nil
	})
	return f
}

// body asks the site until the slice with that name answers: a reload is not confirmed here.
func (f *foreign) answeredBy(t *testing.T, b *backend) {
	t.Helper()
	n := b.count("GET ")
	testkit.Eventually(t, string(b.slice)+" answers", func() bool {
		status, _, err := parted(f.Get(t.Context(), "/"))
		return err == nil && status == http.StatusOK && b.count("GET ") > n
	})
}

func TestAForeignNginxIsRoutedByItsIncludeFile(t *testing.T) {
	t.Parallel()
	for format, before := range map[Format]string{
		FormatServer:   "server 127.0.0.1:1;\n",
		FormatUpstream: "upstream site { server 127.0.0.1:1; }\n",
	} {
		t.Run(string(format), func(t *testing.T) {
			f := newForeign(t, format, before)
			route, err := f.Current(t.Context())
			testkit.Must(t, err)
			if route.Slice != "" {
				t.Errorf("the file before says %+v", route)
			}
			blue, green := newBackend(t, deploy.Blue, nil), newBackend(t, deploy.Green, nil)
			testkit.Must(t, f.Apply(t.Context(), blue.route()))
			f.answeredBy(t, blue)

			h, err := f.Hold(t.Context(), green.route())
			testkit.Must(t, err)
			left, err := h.Drain(t.Context(), patience)
			testkit.Must(t, err)
			testkit.Must(t, h.Route(t.Context()))
			testkit.Must(t, h.Release(t.Context()))
			if held, _ := h.Waited(); left != 0 || held != 0 {
				t.Errorf("%d left, %d held", left, held)
			}
			f.answeredBy(t, green)
			testkit.Must(t, h.Abort(t.Context()))
			f.answeredBy(t, blue)

			route, err = f.Current(t.Context())
			testkit.Must(t, err)
			if route.Slice != deploy.Blue || route.Generation != 3 || len(route.Endpoints) != 1 {
				t.Errorf("the route is %+v", route)
			}
			if _, slice, err := parted(f.Get(t.Context(), "/")); err != nil || slice != deploy.Blue {
				t.Errorf("%s answers, %v", slice, err)
			}
			info, err := os.Stat(f.File)
			testkit.Must(t, err)
			if info.Mode().Perm() != 0o640 {
				t.Errorf("the file's mode became %s", info.Mode())
			}
		})
	}
}

func TestAnIncludeFileIsRestoredWhenItsTestOrReloadFails(t *testing.T) {
	t.Parallel()
	hang := []string{"sleep", "60"}
	for name, c := range map[string]struct {
		spoil func(*FileRouter)
		want  string
	}{
		"test refuses": {func(r *FileRouter) { r.Upstream = "other"; r.Format = FormatServer }, "[emerg]"},
		"test hangs":   {func(r *FileRouter) { r.Test, r.TestTimeout = hang, 100*time.Millisecond }, "sleep did not end in time"},
		"reload fails": {func(r *FileRouter) { r.Reload = []string{"sh", "-c", "echo no such unit; exit 5"} }, "no such unit"},
		"no command":   {func(r *FileRouter) { r.Reload = []string{"verdigris-no-such-command"} }, "executable file not found"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForeign(t, FormatUpstream, "upstream site { server 127.0.0.1:1; }\n")
			blue, green := newBackend(t, deploy.Blue, nil), newBackend(t, deploy.Green, nil)
			testkit.Must(t, f.Apply(t.Context(), blue.route()))
			f.answeredBy(t, blue) // else its reload may find the candidate that is refused
			before, err := os.ReadFile(f.File)
			testkit.Must(t, err)
			c.spoil(f.FileRouter)
			err = f.Apply(t.Context(), green.route())
			if err == nil {
				t.Fatal("it was taken")
			}
			testkit.Contains(t, err.Error(), c.want)
			after, err := os.ReadFile(f.File)
			testkit.Must(t, err)
			if string(after) != string(before) {
				t.Errorf("the file is now:\n%s", after)
			}
			f.answeredBy(t, blue)
			h, err := f.Hold(t.Context(), green.route())
			testkit.Must(t, err)
			if err := h.Route(t.Context()); !errors.Is(err, deploy.ErrRouteRefused) {
				t.Errorf("Route: %v; data would be carried back over what the old slice wrote", err)
			}
		})
	}
}

func TestAFileRouterThatCannotWorkSaysWhy(t *testing.T) {
	t.Parallel()
	reload := []string{"true"}
	for want, r := range map[string]*FileRouter{
		"include file is not set": {Format: FormatServer, Reload: reload},
		"neither server nor":      {File: "f", Format: "yaml", Reload: reload},
		"the name of an upstream": {File: "f", Format: FormatUpstream, Upstream: "a b", Reload: reload},
		"neither a container nor": {File: "f", Format: FormatServer},
	} {
		err := r.Check()
		if err == nil {
			t.Errorf("no error about: %s", want)
			continue
		}
		testkit.Contains(t, err.Error(), want)
	}
}

// fakeContainer stands for a container, whose engine this package does not know.
type fakeContainer struct {
	exec      func(argv ...string) (string, error)
	signal    func(string) error
	processes func() ([][2]string, error)
	read      func(files ...string) (string, error)
	down      func() (bool, error)
}

func (c fakeContainer) Exec(_ context.Context, argv ...string) (string, error) {
	return c.exec(argv...)
}
func (c fakeContainer) Signal(_ context.Context, signal string, _ ...string) error {
	return c.signal(signal)
}
func (c fakeContainer) Processes(context.Context) ([][2]string, error) { return c.processes() }
func (c fakeContainer) Down(context.Context) (bool, error)             { return c.down() }
func (c fakeContainer) Read(_ context.Context, files ...string) (string, error) {
	return c.read(files...)
}

func TestAForeignNginxInAContainerIsTestedAndSignalled(t *testing.T) {
	t.Parallel()
	var did []string
	refuse := false
	r := &FileRouter{File: filepath.Join(t.TempDir(), "site.conf"), Format: FormatServer, Container: fakeContainer{
		exec: func(argv ...string) (string, error) {
			did = append(did, strings.Join(argv, " "))
			if refuse {
				return "", errors.New("exit status 1: nginx: [emerg] no")
			}
			return "", nil
		},
		signal: func(signal string) error {
			did = append(did, signal)
			return nil
		},
	}}
	route := deploy.Route{Slice: deploy.Blue, Endpoints: []deploy.Endpoint{{Container: "web", Address: "10.0.0.2:80"}}}
	testkit.Must(t, r.Apply(t.Context(), route))
	if got := strings.Join(did, ", "); got != "nginx -t -q, SIGHUP" {
		t.Errorf("it did %s", got)
	}
	refuse = true
	err := r.Apply(t.Context(), deploy.Route{Slice: deploy.Green, Endpoints: route.Endpoints})
	if err == nil || !strings.Contains(err.Error(), "[emerg] no") {
		t.Errorf("the error is %v", err)
	}
	if now, err := r.Current(t.Context()); err != nil || now.Slice != deploy.Blue {
		t.Errorf("the file says %s, %v", now.Slice, err)
	}
}

func TestContainerProcessReadsTheEnginesProcessList(t *testing.T) {
	t.Parallel()
	list := [][2]string{
		{"100", "nginx: master process nginx -c /etc/verdigris/router.conf -g daemon off;"},
		{"101", "nginx: worker process is shutting down"},
		{"102", "nginx: worker process"},
		{"103", "nginx: cache manager process"},
	}
	var listError error
	down := true
	p := ContainerProcess{fakeContainer{
		processes: func() ([][2]string, error) { return list, listError },
		down:      func() (bool, error) { return down, nil },
		exec: func(argv ...string) (string, error) {
			return "nginx: [emerg] unexpected \"}\"\nnginx: configuration file /c test failed\n", errors.New("exit status 1")
		},
	}}
	workers, err := p.Workers(t.Context())
	testkit.Must(t, err)
	if len(workers) != 2 || workers[0] != (Worker{"101", true}) || workers[1] != (Worker{"102", false}) {
		t.Errorf("the workers are %v", workers)
	}
	err = p.Test(t.Context(), "/c")
	if err == nil || err.Error() != `test /c: nginx refuses it: nginx: [emerg] unexpected "}"` {
		t.Errorf("the test says %v", err)
	}
	list = list[1:]
	if workers, err := p.Workers(t.Context()); err != nil || len(workers) != 2 {
		t.Errorf("workers that have lost their master: %v, %v", workers, err)
	}
	list = list[2:]
	if _, err := p.Workers(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a master: %v", err)
	}
	listError = errors.New("container is not running")
	if err := p.Test(t.Context(), "/c"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a container: %v", err)
	}
	down = false
	if err := p.Test(t.Context(), "/c"); !errors.Is(err, listError) || errors.Is(err, ErrNotRunning) {
		t.Errorf("with a container that was not seen to be down: %v", err)
	}
}
