package compose

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dockerimage "github.com/docker/docker/api/types/image"
	godigest "github.com/opencontainers/go-digest"
	"golang.org/x/crypto/bcrypt"

	"verdigris/internal/testkit"
)

// registryServer is Debian's docker-registry on a port of this machine, which engines use without TLS.
type registryServer struct {
	t        *testing.T
	engine   *Engine
	host     string // e.g. 127.0.0.1:20123
	at       string // what the names of the test's images begin with: the host and, where others use it too, a folder
	config   string
	password string // of the user "tester"; empty when everybody may pull
	process  *exec.Cmd
}

// newRegistry starts a registry for one test; with a password it wants one. What the engine has of it is gone after the
// test.
func newRegistry(t *testing.T, e *Engine, password string) *registryServer {
	t.Helper()
	testkit.NeedProgram(t, "docker-registry")
	r, err := startRegistry(t.TempDir(), testkit.FreeAddress(t), password)
	testkit.Must(t, err)
	r.t, r.engine = t, e
	t.Cleanup(func() {
		r.stop()
		forgetImages(t, e, r.at)
	})
	return r
}

// common is the registry of the tests that have no need of their own one.
var common struct {
	sync.Once
	server *registryServer
	err    error
}

// openRegistry returns a folder, for one test, of the registry that wants no password and that many tests use.
func openRegistry(t *testing.T, e *Engine) *registryServer {
	t.Helper()
	testkit.NeedProgram(t, "docker-registry")
	common.Do(func() { common.server, common.err = startRegistry(tempDir, testkit.FreeAddress(t), "") })
	testkit.Must(t, common.err)
	r := *common.server
	r.t, r.engine, r.at = t, e, r.host+"/"+strings.ToLower(rand.Text()[:8])
	t.Cleanup(func() { forgetImages(t, e, r.at) })
	return &r
}

// startRegistry runs a registry that keeps its files in the directory.
func startRegistry(dir, host, password string) (*registryServer, error) {
	r := &registryServer{host: host, at: host, config: filepath.Join(dir, "config.yml"), password: password}
	config := fmt.Sprintf("version: 0.1\nlog: {accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp: {addr: %q}\n", dir, host)
	if password != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "htpasswd"), []byte("tester:"+string(hash)+"\n"), 0o600)
		}
		if err != nil {
			return nil, err
		}
		config += fmt.Sprintf("auth: {htpasswd: {realm: test, path: %s/htpasswd}}\n", dir)
	}
	if err := os.WriteFile(r.config, []byte(config), 0o600); err != nil {
		return nil, err
	}
	return r, r.start()
}

func put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	testkit.Must(t, os.WriteFile(path, []byte(content), mode))
}

// start runs the registry and returns once it answers. It may be called where a test must not be ended.
func (r *registryServer) start() error {
	r.process = exec.Command("docker-registry", "serve", r.config)
	var output testkit.Buffer
	r.process.Stderr = &output
	if err := r.process.Start(); err != nil {
		return fmt.Errorf("start the registry: %w", err)
	}
	for deadline := time.Now().Add(testkit.Patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if response, err := http.Get("http://" + r.host + "/"); err == nil {
			return response.Body.Close()
		}
	}
	return errors.New("the registry does not answer: " + output.String())
}

// stop ends the registry. What was pushed stays for the next start.
func (r *registryServer) stop() {
	if r.process != nil {
		r.process.Process.Kill()
		r.process.Wait()
		r.process = nil
	}
}

// push gives the registry an image of random content, of that many bytes, without the engine's help, and returns its
// digest.
func (r *registryServer) push(name string, size int) string {
	r.t.Helper()
	repository, tag, _ := strings.Cut(name, ":")
	repository = strings.TrimPrefix(r.at+"/"+repository, r.host+"/")
	layer := randomLayer(r.t, size)
	config := jsonOf(r.t, map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "config": map[string]any{},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []godigest.Digest{godigest.FromBytes(layer)}},
	})
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(layer)
	w.Close()
	const kind = "application/vnd.docker."
	manifest := jsonOf(r.t, map[string]any{
		"schemaVersion": 2, "mediaType": kind + "distribution.manifest.v2+json",
		"config": r.upload(repository, kind+"container.image.v1+json", config),
		"layers": []any{r.upload(repository, kind+"image.rootfs.diff.tar.gzip", packed.Bytes())},
	})
	r.ask(http.MethodPut, fmt.Sprintf("http://%s/v2/%s/manifests/%s", r.host, repository, tag), kind+"distribution.manifest.v2+json", manifest)
	return godigest.FromBytes(manifest).String()
}

// upload gives the registry a blob and returns its descriptor.
func (r *registryServer) upload(repository, kind string, content []byte) map[string]any {
	r.t.Helper()
	sum := godigest.FromBytes(content)
	place := r.ask(http.MethodPost, fmt.Sprintf("http://%s/v2/%s/blobs/uploads/", r.host, repository), "", nil).Get("Location")
	r.ask(http.MethodPut, place+"&digest="+sum.String(), "application/octet-stream", content)
	return map[string]any{"mediaType": kind, "digest": sum, "size": len(content)}
}

// ask makes one request to the registry, as the user tester, and returns the header of the answer.
func (r *registryServer) ask(method, address, kind string, body []byte) http.Header {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, address, bytes.NewReader(body))
	testkit.Must(r.t, err)
	request.Header.Set("Content-Type", kind)
	request.SetBasicAuth("tester", r.password)
	response, err := http.DefaultClient.Do(request)
	testkit.Must(r.t, err)
	defer response.Body.Close()
	if content, err := io.ReadAll(response.Body); err != nil || response.StatusCode >= 300 {
		r.t.Fatalf("%s %s: %s: %s, %v", method, address, response.Status, content, err)
	}
	return response.Header
}

func randomLayer(t testing.TB, size int) []byte {
	t.Helper()
	content := make([]byte, size)
	rand.Read(content)
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	testkit.Must(t, w.WriteHeader(&tar.Header{Name: "content", Mode: 0o644, Size: int64(size)}))
	w.Write(content)
	testkit.Must(t, w.Close())
	return layer.Bytes()
}

func jsonOf(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	testkit.Must(t, err)
	return text
}

// auths is a Docker config file with that password for the registry.
func (r *registryServer) auths(password string) string {
	auth := base64.StdEncoding.EncodeToString([]byte("tester:" + password))
	return string(jsonOf(r.t, map[string]any{"auths": map[string]any{r.host: map[string]string{"auth": auth}}}))
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

// forgetImages takes from the engine what it has of the registry, or of a folder there.
func forgetImages(t *testing.T, e *Engine, at string) {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
	defer cancel()
	images, err := e.client.ImageList(ctx, dockerimage.ListOptions{})
	testkit.Must(t, err)
	for _, i := range images {
		if slices.ContainsFunc(append(i.RepoTags, i.RepoDigests...), func(name string) bool { return strings.HasPrefix(name, at+"/") }) {
			_, err := e.client.ImageRemove(ctx, i.ID, dockerimage.RemoveOptions{Force: true})
			testkit.Must(t, gone(err))
		}
	}
}
