package source

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"

	"verdigris/deploy"
)

// Errors that tell apart, within this package, why git failed.
var (
	errNotOurRef    = errors.New("the server has no such object")
	errUnadvertised = errors.New("the server does not hand out single commits")
	errNoBranch     = errors.New("the repository does not have the branch")
)

// causes are what git says, in its untranslated words, what that means, and what to do about it.
var causes = []struct {
	says   []string
	reason error
	next   string
}{
	{[]string{"not our ref"}, errNotOurRef, ""},
	{[]string{"unadvertised object"}, errUnadvertised, ""},
	{[]string{"couldn't find remote ref"}, errNoBranch, ""},
	{[]string{"Host key verification failed", "no matching host key", "REMOTE HOST IDENTIFICATION HAS CHANGED"},
		errors.New("the host's key is not trusted"),
		"compare the host's key with the one that its owner publishes and add it to the known_hosts file (ssh-keyscan prints it)"},
	{[]string{"Permission denied (publickey", "Permission denied, please try again", "Load key"},
		errors.New("the host refused the ssh key"),
		"check repository.ssh_key_file, and that its public half is a deploy key of the repository"},
	{[]string{"Authentication failed", "could not read Username", "could not read Password", "HTTP Basic: Access denied", "returned error: 401", "returned error: 403"},
		errors.New("the host refused the name or token"),
		"check repository.username and repository.token, and that the token may read the repository"},
	{[]string{"certificate problem", "certificate verification failed", "server verification failed", "server certificate"},
		errors.New("the host's certificate is not trusted"),
		"check the host's certificate and the machine's certificate authorities"},
	{[]string{"dubious ownership"},
		errors.New("the repository belongs to another user"),
		"run verdigris as the owner of the repository"},
	{[]string{"does not appear to be a git repository", "not a git repository", "epository not found", "returned error: 404", "no such file or directory", "No such file or directory", "does not exist"},
		errors.New("there is no such repository, or it is hidden from whom may not read it"),
		"check repository.url, and that verdigris may read the repository"},
	{[]string{"Could not resolve host", "Could not resolve hostname", "Name or service not known", "Temporary failure in name resolution",
		"Connection refused", "Connection timed out", "Connection reset", "Failed to connect", "Couldn't connect", "No route to host", "Network is unreachable", "Operation too slow", "Empty reply"},
		errors.New("the host cannot be reached"),
		"check repository.url and the network, and deploy again"},
	{[]string{"No space left on device", "Disk quota exceeded"},
		errors.New("the disk is full"),
		room},
	{[]string{"bad object", "corrupt", "unable to read tree", "missing blob", "missing tree", "invalid sha1 pointer"},
		errors.New("the repository or its mirror is damaged"),
		"remove the app's mirror.git below the state folder, which is only a copy, and deploy again"},
	{[]string{"mismatched algorithms", "different hash"},
		errors.New("the repository and the commit id do not use the same hash"),
		"check that repository.url and the commit belong together; after a change of url remove the app's mirror.git below the state folder"},
}

// room is what to do about a full disk.
const room = "free some space below the state folder and deploy again"

// roomFor adds the next step when what we wrote ourselves did not fit on the disk.
func roomFor(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &deploy.HintedError{Err: err, Next: room}
	}
	return err
}

// failure makes an error of what git said: the reason, what to do next, and git's last lines.
func failure(verb string, err error, lines []string) error {
	text := strings.Join(lines, "\n")
	for _, cause := range causes {
		for _, words := range cause.says {
			if strings.Contains(text, words) {
				return explain(fmt.Errorf("%s: %w", verb, cause.reason), lines, cause.next)
			}
		}
	}
	if len(lines) > 0 {
		err = fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	}
	return explain(fmt.Errorf("%s: git: %w", verb, err), lines, "")
}

func explain(err error, lines []string, next string) error {
	if len(lines) > 0 {
		err = &deploy.LoggedError{Err: err, Lines: lines}
	}
	if next != "" {
		err = &deploy.HintedError{Err: err, Next: next}
	}
	return err
}

func tooSlow(c command, lines []string) error {
	err := fmt.Errorf("%s: git did not end within %s: %w", c.verb, c.timeout, context.DeadlineExceeded)
	return explain(err, lines, "check the network and the size of the repository, and deploy again")
}

func notStarted(verb string, err error) error {
	err = fmt.Errorf("%s: run git: %w", verb, err)
	if errors.Is(err, exec.ErrNotFound) {
		return &deploy.HintedError{Err: err, Next: "install git 2.32 or newer"}
	}
	return err
}
