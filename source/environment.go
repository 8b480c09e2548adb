package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"verdigris/deploy"
)

// inherited are the variables that git gets from verdigris. All others stay behind: secrets of the webhooks and
// databases, and every GIT_ variable that could change what git does.
var inherited = []string{
	"PATH", "TMPDIR", "SSH_AUTH_SOCK",
	"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
}

// settings of git that do not depend on the app.
var settings = [][2]string{
	{"core.hooksPath", os.DevNull},
	{"core.attributesFile", os.DevNull},
	{"core.fsmonitor", "false"},
	{"credential.helper", ""},
	{"fetch.recurseSubmodules", "false"},
	{"submodule.recurse", "false"},
	{"tar.umask", "0022"},
	{"http.lowSpeedLimit", "1000"}, // a transfer that stands still for half a minute has failed
	{"http.lowSpeedTime", "30"},
	{"gc.autoDetach", "false"},
}

// credentialHelper answers git's question for name and password from git's own environment (gitcredentials(7)), so
// that a token is never written to disk and never seen in a process list. The text is constant.
const credentialHelper = `!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$VERDIGRIS_GIT_USERNAME" "$VERDIGRIS_GIT_TOKEN"; }; f`

// environment returns the whole environment of a git process, and the token in it, which must not be shown.
func (r *Repository) environment() (env []string, token string, err error) {
	env = baseEnvironment()
	config := append([][2]string{}, settings...)
	env = append(env, "GIT_ALLOW_PROTOCOL="+r.at.protocol)
	switch r.at.protocol {
	case protocolFile:
		env = append(env, "GIT_CONFIG_GLOBAL="+r.trustFile())
	case protocolSSH:
		env = append(env, "GIT_SSH_VARIANT=ssh", "GIT_SSH_COMMAND="+r.sshCommand())
	case protocolHTTP, protocolHTTPS:
		if r.remote.CAFile != "" {
			config = append(config, [2]string{"http.sslCAInfo", r.remote.CAFile})
		}
		if r.remote.Token == nil {
			break
		}
		if token, err = readToken(r.remote.Token); err != nil {
			return nil, "", err
		}
		env = append(env, "VERDIGRIS_GIT_USERNAME="+r.username(), "VERDIGRIS_GIT_TOKEN="+token)
		// For this host alone: after a redirect elsewhere nobody answers.
		config = append(config, [2]string{"credential." + r.at.protocol + "://" + r.at.host + ".helper", credentialHelper})
	}
	return append(append(env, configVariables(config)...), r.env...), token, nil
}

func baseEnvironment() []string {
	env := []string{
		"LC_ALL=C", // messages are read by failure.go
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS_REQUIRE=never",
	}
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// configVariables hands settings over as git-config(1) describes under GIT_CONFIG_COUNT: out of the process list.
func configVariables(config [][2]string) []string {
	env := []string{"GIT_CONFIG_COUNT=" + strconv.Itoa(len(config))}
	for i, setting := range config {
		n := strconv.Itoa(i)
		env = append(env, "GIT_CONFIG_KEY_"+n+"="+setting[0], "GIT_CONFIG_VALUE_"+n+"="+setting[1])
	}
	return env
}

func (r *Repository) username() string {
	if r.remote.Username == "" {
		return "git"
	}
	return r.remote.Username
}

// readToken refuses what would break out of the lines in which a credential helper answers.
func readToken(read func() (string, error)) (string, error) {
	token, err := read()
	if err != nil {
		return "", fmt.Errorf("read the repository's token: %w", err)
	}
	token = strings.TrimSpace(token)
	if token == "" || strings.ContainsFunc(token, unicode.IsControl) {
		return "", &deploy.InputError{Reason: "the repository's token is empty or has more than one line"}
	}
	return token, nil
}

// writeTrustFile lets git read a repository on this machine that belongs to another user ("dubious ownership"). It
// names exactly the configured folder. It has to be a file: git does not pass settings from its environment on to
// the process that serves a local repository.
func (r *Repository) writeTrustFile() error {
	if r.at.protocol != protocolFile {
		return nil
	}
	folders := []string{r.at.path}
	if real, err := filepath.EvalSymlinks(r.at.path); err == nil && real != r.at.path {
		folders = append(folders, real)
	}
	text := "[safe]\n"
	for _, folder := range folders {
		text += "\tdirectory = " + strconv.Quote(folder) + "\n\tdirectory = " + strconv.Quote(filepath.Join(folder, ".git")) + "\n"
	}
	if current, err := os.ReadFile(r.trustFile()); err == nil && string(current) == text {
		return nil
	}
	return os.WriteFile(r.trustFile(), []byte(text), 0o600)
}

func (r *Repository) trustFile() string { return filepath.Join(r.dir, "source.gitconfig") }
