package compose

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestTheEngineIsAskedAboutItself(t *testing.T) {
	t.Parallel()
	info, err := connected(t).Info(t.Context())
	if err != nil || info.Version == "" || info.RootDir == "" || olderThan(info.API, minimumAPI) {
		t.Errorf("info is %+v, %v", info, err)
	}
}

func TestAnEngineThatIsNotThereIsNamedWithTheNextStep(t *testing.T) {
	socket := "unix://" + filepath.Join(t.TempDir(), "dead.sock")
	t.Setenv("DOCKER_HOST", socket)
	_, err := Connect(t.Context())
	testkit.ErrorContains(t, err, socket, "cannot be reached")
	var hint *deploy.HintedError
	if !errors.As(err, &hint) || !strings.Contains(hint.Next, "DOCKER_HOST") {
		t.Errorf("the hint is missing: %#v", err)
	}
}

// stubEngine answers a ping with that API version, as old engines do that no test machine has.
func stubEngine(t *testing.T, version string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("API-Version", version)
		w.Header().Set("OSType", "linux")
	}))
	t.Cleanup(server.Close)
	t.Setenv("DOCKER_HOST", strings.Replace(server.URL, "http", "tcp", 1))
}

func TestAnEngineThatIsTooOldIsRefused(t *testing.T) {
	stubEngine(t, "1.40")
	_, err := Connect(t.Context())
	testkit.ErrorContains(t, err, "speaks API 1.40", "needs 1.41")
}

func TestTheAPIVersionIsNegotiated(t *testing.T) {
	stubEngine(t, "1.44")
	e, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if got := e.client.ClientVersion(); got != "1.44" {
		t.Errorf("the client speaks %s", got)
	}
}

func TestVersionsCompareByNumber(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		older bool
	}{{"1.9", "1.41", true}, {"1.41", "1.41", false}, {"1.54", "1.41", false}, {"", "1.41", true}, {"2.0", "1.41", false}} {
		if olderThan(c.a, c.b) != c.older {
			t.Errorf("olderThan(%q, %q) is not %v", c.a, c.b, c.older)
		}
	}
}
