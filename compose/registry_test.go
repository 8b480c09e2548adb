package compose

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dockerimage "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/pkg/jsonmessage"
	"golang.org/x/crypto/bcrypt"
)

// registryServer is a registry of its own for one test: Debian's docker-registry on a port of this machine, which
// engines use without TLS.
type registryServer struct {
	t        *testing.T
	engine   *Engine
	host     string // e.g. 127.0.0.1:40123
	config   string
	password string // of the user "tester"; empty when everybody may pull
	process  *exec.Cmd
}

// newRegistry starts a registry; with a password it wants one. What the engine has of it is gone after the test.
func newRegistry(t *testing.T, e *Engine, password string) *registryServer {
	t.Helper()
	if _, err := exec.LookPath("docker-registry"); err != nil {
		if os.Getenv("VERDIGRIS_SKIP_MISSING") == "1" {
			t.Skip("docker-registry is missing")
		}
		t.Fatal("this test needs docker-registry: run scripts/tools.sh test")
	}
	dir := t.TempDir()
	r := &registryServer{t: t, engine: e, host: freeAddress(t), config: filepath.Join(dir, "config.yml"), password: password}
	config := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp: {addr: %q}\n", dir, r.host)
	if password != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "htpasswd"), "tester:"+string(hash)+"\n", 0o600)
		config += fmt.Sprintf("auth: {htpasswd: {realm: test, path: %s/htpasswd}}\n", dir)
	}
	put(t, r.config, config, 0o600)
	r.start()
	t.Cleanup(func() {
		r.stop()
		forgetImages(t, e, r.host)
	})
	return r
}

// freeAddress returns an address on which nobody listens at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// start runs the registry and returns once it answers.
func (r *registryServer) start() {
	r.process = exec.Command("docker-registry", "serve", r.config)
	var output bytes.Buffer
	r.process.Stderr = &output
	if err := r.process.Start(); err != nil {
		r.t.Errorf("start the registry: %v", err)
		return
	}
	answers := func() bool {
		response, err := http.Get("http://" + r.host + "/")
		if err == nil {
			response.Body.Close()
		}
		return err == nil
	}
	eventuallyOr(answers)
	if !answers() {
		r.t.Errorf("the registry does not answer:\n%s", output.String())
	}
}

// stop ends the registry. What was pushed stays for the next start.
func (r *registryServer) stop() {
	if r.process != nil {
		r.process.Process.Kill()
		r.process.Wait()
		r.process = nil
	}
}

// push makes an image of random content, of that many bytes, gives it to the registry and returns its digest there. What
// the engine has under the name stays as it is.
func (r *registryServer) push(name string, size int) string {
	r.t.Helper()
	ctx := r.t.Context()
	repository, tag, _ := strings.Cut(name, ":")
	upload := r.host + "/" + repository + ":upload"
	made, err := r.engine.client.ImageImport(ctx, dockerimage.ImportSource{Source: randomLayer(size), SourceName: "-"}, upload, dockerimage.ImportOptions{})
	r.ok(err)
	r.ok(eachMessage(made, func(jsonmessage.JSONMessage) {}))
	auth, err := registry.EncodeAuthConfig(registry.AuthConfig{Username: "tester", Password: r.password})
	r.ok(err)
	pushed, err := r.engine.client.ImagePush(ctx, upload, dockerimage.PushOptions{RegistryAuth: auth})
	r.ok(err)
	r.ok(eachMessage(pushed, func(jsonmessage.JSONMessage) {}))
	r.ok(r.engine.removeImage(ctx, upload))

	manifest, header := r.manifest(http.MethodGet, repository, "upload", "", nil)
	r.manifest(http.MethodPut, repository, tag, header.Get("Content-Type"), manifest)
	_, header = r.manifest(http.MethodHead, repository, tag, "", nil)
	return header.Get("Docker-Content-Digest")
}

func randomLayer(size int) io.Reader {
	content := make([]byte, size)
	rand.Read(content)
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	w.WriteHeader(&tar.Header{Name: "content", Mode: 0o644, Size: int64(size)})
	w.Write(content)
	w.Close()
	return &layer
}

// manifest asks the registry itself for the manifest of a tag, or gives it one.
func (r *registryServer) manifest(method, repository, tag, contentType string, body []byte) ([]byte, http.Header) {
	r.t.Helper()
	address := fmt.Sprintf("http://%s/v2/%s/manifests/%s", r.host, repository, tag)
	request, err := http.NewRequestWithContext(r.t.Context(), method, address, bytes.NewReader(body))
	r.ok(err)
	for _, kind := range []string{"docker.distribution.manifest.v2", "oci.image.manifest.v1", "oci.image.index.v1"} {
		request.Header.Add("Accept", "application/vnd."+kind+"+json")
	}
	request.Header.Set("Content-Type", contentType)
	request.SetBasicAuth("tester", r.password)
	response, err := http.DefaultClient.Do(request)
	r.ok(err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	r.ok(err)
	if response.StatusCode >= 300 {
		r.t.Fatalf("%s %s: %s: %s", method, address, response.Status, content)
	}
	return content, response.Header
}

func (r *registryServer) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// auths is a Docker config file with that password for the registry.
func (r *registryServer) auths(password string) string {
	auth := base64.StdEncoding.EncodeToString([]byte("tester:" + password))
	text, _ := json.Marshal(map[string]any{"auths": map[string]any{r.host: map[string]string{"auth": auth}}})
	return string(text)
}

// loggedIn makes the engine use a Docker config file with that content.
func loggedIn(t *testing.T, e *Engine, config string) {
	t.Helper()
	e.ConfigDir = t.TempDir()
	put(t, filepath.Join(e.ConfigDir, "config.json"), config, 0o600)
}

// patient returns an engine that tries again soon, and has no credentials of the machine's own.
func patient(t *testing.T) *Engine {
	t.Helper()
	e := connected(t)
	e.retries = backoff{attempts: 4, first: 20 * time.Millisecond, most: 100 * time.Millisecond}
	loggedIn(t, e, `{}`)
	return e
}

// forgetImages takes from the engine what it has of the registry.
func forgetImages(t *testing.T, e *Engine, host string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	images, err := e.client.ImageList(ctx, dockerimage.ListOptions{})
	check(t, err)
	for _, i := range images {
		for _, name := range append(i.RepoTags, i.RepoDigests...) {
			if strings.HasPrefix(name, host+"/") {
				check(t, e.removeImage(ctx, name))
			}
		}
	}
}
