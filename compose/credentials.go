package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
	clitypes "github.com/docker/cli/cli/config/types"
	"github.com/docker/docker/api/types/registry"

	"verdigris/deploy"
)

// hub is the registry of images whose names have no host, and hubKey its name in Docker config files.
const (
	hub    = "docker.io"
	hubKey = "https://index.docker.io/v1/"
)

// logins are the credentials for registries that `docker login` has kept, in the Docker config file itself or in the
// keeping of the credential helpers that it names.
type logins struct {
	file *configfile.ConfigFile
	// closed tells that this user may not read the file. Images that everybody may pull need none.
	closed bool
}

// logins reads the Docker config file. It is read for each operation anew, so that a login counts without a restart.
func (e *Engine) logins() (*logins, error) {
	dir := e.ConfigDir
	if dir == "" {
		dir = config.Dir()
	}
	file, err := config.Load(dir)
	if errors.Is(err, fs.ErrPermission) {
		return &logins{file: file, closed: true}, nil
	}
	if err != nil {
		return nil, &deploy.HintedError{
			Err:  fmt.Errorf("read the registries' credentials: %w", err),
			Next: "correct " + filepath.Join(dir, config.ConfigFileName),
		}
	}
	if !file.ContainsAuth() {
		file.CredentialsStore = credentials.DetectDefaultStore(file.CredentialsStore)
	}
	return &logins{file: file}, nil
}

// of returns the credentials for the registry, empty ones when there are none.
func (l *logins) of(ctx context.Context, host string) (registry.AuthConfig, error) {
	return within(ctx, func() (registry.AuthConfig, error) {
		found, err := l.file.GetAuthConfig(host)
		if err != nil {
			return registry.AuthConfig{}, l.helperFailed(host)
		}
		return sent(found), nil
	})
}

// sent are the credentials in the form in which the engine takes them.
func sent(c clitypes.AuthConfig) registry.AuthConfig {
	return registry.AuthConfig{
		Username: c.Username, Password: c.Password, ServerAddress: c.ServerAddress,
		IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken,
	}
}

// within waits for a credential helper until ctx ends: one that asks a desktop for a password may wait for ever.
func within[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		value, err := ask()
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("wait for a credential helper: %w", context.Cause(ctx))
	}
}

// helperFailed is the error about the credential helper that serves the host. What the helper printed is not in it: it
// may hold the secret.
func (l *logins) helperFailed(host string) error {
	helper := l.file.CredentialsStore
	if named := l.file.CredentialHelpers[keyOf(host)]; named != "" {
		helper = named
	}
	name := "docker-credential-" + helper
	if _, err := exec.LookPath(name); err != nil {
		return &deploy.HintedError{
			Err:  fmt.Errorf("%s, which %s names, is not on the PATH", name, l.file.Filename),
			Next: "install it, or put its directory on the PATH of verdigris",
		}
	}
	return &deploy.HintedError{
		Err:  fmt.Errorf("%s, which %s names, did not give the credentials for registry %s", name, l.file.Filename, host),
		Next: fmt.Sprintf("see what it says, as the user of verdigris: echo %s | %s get", keyOf(host), name),
	}
}

// keyOf is the name of the registry in Docker config files.
func keyOf(host string) string {
	switch host {
	case hub, "index.docker.io", "registry-1.docker.io":
		return hubKey
	}
	return host
}

// loginCommand is what a person types to give credentials for the registry.
func loginCommand(host string) string {
	if keyOf(host) == hubKey {
		host = ""
	}
	return strings.TrimSpace("docker login " + host)
}
