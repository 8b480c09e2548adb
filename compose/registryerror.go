package compose

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/distribution/reference"

	"verdigris/deploy"
)

// fault is what the engine's words about a failed pull mean. The engine has no codes for them: it hands on what the
// registry or the network said.
type fault int

const (
	faultOther     fault = iota
	faultTransient       // it may work in a moment
	faultLogin           // the registry wants credentials, or refuses those that it got
	faultMissing         // the registry has no such image
)

// loginWords are those of a registry that wants credentials, or refuses those that it got.
var loginWords = regexp.MustCompile(`unauthorized|no basic auth credentials|authentication required|access denied|authorization failed|forbidden|\bdenied:`)

// faultWords tell the faults apart; the first that fits counts. What is definite comes first: an answer of the
// registry may quote a URL or a code that looks like something else.
var faultWords = []struct {
	fault fault
	words *regexp.Regexp
}{
	{faultLogin, loginWords},
	{faultMissing, regexp.MustCompile(`manifest unknown|name unknown|name_unknown|not found|no matching manifest`)},
	{faultTransient, regexp.MustCompile(`toomanyrequests|too many requests|\b50[0-9] [a-z]|service unavailable|bad gateway|gateway time-?out|` +
		`connection refused|connection reset|broken pipe|timeout|timed out|deadline exceeded|\beof\b|no route to host|network is unreachable|` +
		`temporary failure in name resolution|server misbehaving`)},
}

// address matches a URL, quoted or not.
var address = regexp.MustCompile(`https?://[^\s"]+`)

// faultOf reads the error about a pull. The image's own name and address say nothing about it.
func faultOf(err error, image reference.Named) fault {
	text := address.ReplaceAllString(err.Error(), "")
	for _, name := range []string{reference.FamiliarName(image), "/" + reference.Path(image), reference.Domain(image)} {
		text = strings.ReplaceAll(text, name, "")
	}
	text = strings.ToLower(text)
	for _, f := range faultWords {
		if f.words.MatchString(text) {
			return f.fault
		}
	}
	return faultOther
}

// retryAfter matches the wait that a registry asks for in its message; the engine does not hand on its headers.
var retryAfter = regexp.MustCompile(`(?i)retry[- ]after[:=]?\s*([0-9.]+(?:ns|us|µs|ms|s|m|h)?)`)

// askedWait reads how long the registry wants to be left alone, 0 when it does not say. A number alone is of seconds.
func askedWait(text string) time.Duration {
	found := retryAfter.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	wait, err := time.ParseDuration(found[1])
	if err != nil {
		wait, _ = time.ParseDuration(found[1] + "s")
	}
	return wait
}

// pullFailed says what a person can do about a pull that failed. Known tells whether there were credentials.
func (l *logins) pullFailed(p *pull, known bool, err error) error {
	host := reference.Domain(p.image)
	said := "image %s is not on this machine and cannot be pulled: %w"
	if p.here {
		said = "image %s cannot be pulled: %w"
	}
	err = fmt.Errorf(said, reference.FamiliarString(p.image), err)
	login := fmt.Sprintf("log in as the user of verdigris: %s", loginCommand(host))
	switch faultOf(err, p.image) {
	case faultLogin:
		err = fmt.Errorf("%w (%s)", err, l.standing(host, known))
		if strings.Contains(err.Error(), "does not exist") { // Docker Hub does not tell the two apart
			login = "check the image's name; if it is private, " + login
		}
		return &deploy.HintedError{Err: err, Next: login}
	case faultMissing:
		return &deploy.HintedError{Err: err, Next: "check the image's name and tag, and that it has been pushed to " + host}
	}
	if full := roomFor(err, nil); hinted(full) {
		return full
	}
	next := fmt.Sprintf("check the image's name and that the registry %s can be reached, or load the image: docker load", host)
	return &deploy.HintedError{Err: err, Next: next}
}

// standing says whether there are credentials for the registry, never what they are.
func (l *logins) standing(host string, known bool) string {
	file := filepath.Clean(l.file.Filename)
	switch {
	case l.closed:
		return fmt.Sprintf("the user of verdigris may not read %s, where credentials for registry %s would be", file, host)
	case known:
		return fmt.Sprintf("registry %s refused the credentials that %s leads to", host, file)
	}
	return fmt.Sprintf("%s has no credentials for registry %s", file, host)
}

// The registry of a base image in BuildKit's words, the base image in the last step that was told, and the end of a
// command, which is no matter of registries whatever it printed.
var (
	baseRegistry = regexp.MustCompile(`(?:pulling from host |source metadata for |https?://)([^/" ]+)`)
	baseImage    = regexp.MustCompile(`\bFROM (?:--platform=\S+ )?(\S+?):?(?:\s|$)`)
	commandEnded = regexp.MustCompile(`exit code`)
)

// loginFor adds the next step to the error of a build when the registry of a base image wants a login. The lines are the
// last ones of the build.
func loginFor(err error, lines []string) error {
	text := err.Error()
	if hinted(err) || !loginWords.MatchString(strings.ToLower(text)) || commandEnded.MatchString(text) {
		return err
	}
	host := ""
	if from := baseRegistry.FindStringSubmatch(text); from != nil {
		host = from[1]
	} else if steps := baseImage.FindAllStringSubmatch(strings.Join(lines, "\n"), -1); steps != nil {
		if image, err := reference.ParseNormalizedNamed(steps[len(steps)-1][1]); err == nil {
			host = reference.Domain(image)
		}
	}
	if host == "" {
		return err
	}
	return &deploy.HintedError{
		Err:  fmt.Errorf("registry %s does not give the base image: %w", host, err),
		Next: "log in as the user of verdigris: " + loginCommand(host),
	}
}
