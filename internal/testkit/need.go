package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// standIns are the images that scripts/images.sh builds where no registry can be reached.
var standIns = map[string]string{
	"NGINX_IMAGE":   "verdigris-local/nginx",
	"REDIS_IMAGE":   "verdigris-local/redis",
	"BASE_IMAGE":    "verdigris-local/debian",
	"VALKEY_IMAGE":  "verdigris-local/valkey",
	"COMPOSE_IMAGE": "verdigris-local/compose",
}

// MaySkip reports whether a test may be skipped for what is missing on the machine: VERDIGRIS_SKIP_MISSING=1 says so.
func MaySkip() bool { return os.Getenv("VERDIGRIS_SKIP_MISSING") == "1" }

// Missing ends the test since the machine lacks something: it fails or, where VERDIGRIS_SKIP_MISSING=1 allows it, is
// skipped.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if MaySkip() {
		t.Skipf("SKIPPED: "+format, args...)
	}
	t.Fatalf(format+" (VERDIGRIS_SKIP_MISSING=1 skips such tests)", args...)
}

// NeedProgram ends the test where a program is not installed.
func NeedProgram(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		Missing(t, "%s is not installed", name)
	}
}

// NeedDocker ends the test where no Docker Engine answers, and skips it under -short, which is for the tests that need
// none.
func NeedDocker(t testing.TB) {
	t.Helper()
	SkipShort(t)
	if err := engineAnswers(); err != nil {
		Missing(t, "no Docker Engine answers: %v", err)
	}
}

// SkipShort skips a test that needs Docker under -short.
func SkipShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Docker: left out under -short")
	}
}

var engineAnswers = sync.OnceValue(func() error { return exec.Command("docker", "version").Run() })

// Image returns the image that the variable names in the environment or in .env, the stand-in's name without either.
// The test ends where the Engine lacks the image.
func Image(t testing.TB, variable string) string {
	t.Helper()
	NeedDocker(t)
	name := ImageName(variable)
	if _, ok := seen.Load(name); ok {
		return name
	}
	if err := exec.Command("docker", "image", "inspect", name).Run(); err != nil {
		Missing(t, "the image %s is not there: run scripts/images.sh --tests", name)
	}
	seen.Store(name, true)
	return name
}

// seen are the images that the Engine has: each is looked for once.
var seen sync.Map

// ImageName is Image without a look at the Engine.
func ImageName(variable string) string {
	if name := os.Getenv(variable); name != "" {
		return name
	}
	for line := range strings.Lines(dotEnv()) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), variable+"="); ok {
			return name
		}
	}
	return standIns[variable]
}

// dotEnv is the content of the repository's .env, empty where there is none.
var dotEnv = sync.OnceValue(func() string {
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		if _, missing := os.Stat(filepath.Join(dir, ".ci")); missing == nil {
			content, _ := os.ReadFile(filepath.Join(dir, ".env")) // without it, the stand-ins count
			return string(content)
		}
		dir = filepath.Dir(dir)
	}
	return ""
})

// Docker runs the docker command and returns what it printed, without the space around it. The test ends if it fails.
func Docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
