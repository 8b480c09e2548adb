package source

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
)

// fakeSSH records its arguments and runs what git asks for on this machine instead of a host.
func fakeSSH(t *testing.T, record string) string {
	return script(t, `printf '%s\n' "$@" > '`+record+`'; for last; do :; done; exec sh -c "$last"`)
}

func TestFetchOverSSHUsesTheKeyAndTrustsNoUnknownHost(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	record := filepath.Join(t.TempDir(), "arguments")
	key, hosts := "/etc/verdigris/it's a key", "/etc/verdigris/known hosts"
	r := open(t, Remote{URL: "git@forge.example:" + u.dir, KeyFile: key, KnownHostsFile: hosts})
	r.SSH = fakeSSH(t, record)
	if got := content(t, mustFetch(t, r, commit), "colour"); got != "white" {
		t.Errorf("colour is %s", got)
	}
	recorded, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"-F\n/dev/null\n", "-i\n" + key + "\n", "IdentitiesOnly=yes\n", "BatchMode=yes\n", "StrictHostKeyChecking=yes\n", "ForwardAgent=no\n",
		"UserKnownHostsFile=\"" + hosts + "\"\n", "GlobalKnownHostsFile=/dev/null\n", "git@forge.example\ngit-upload-pack '" + u.dir + "'\n",
	} {
		if !strings.Contains(string(recorded), want) {
			t.Errorf("ssh was not given %q but\n%s", want, recorded)
		}
	}
}

func TestSSHWithoutAKeyIsTheUsersOwn(t *testing.T) {
	r := open(t, Remote{URL: "ssh://git@forge.example/gallery.git"})
	command := r.sshCommand()
	if !strings.HasPrefix(command, "'ssh' '-o' 'BatchMode=yes' '-o' 'StrictHostKeyChecking=yes'") || strings.Contains(command, "'-i'") || strings.Contains(command, "'-F'") {
		t.Errorf("the command is %s", command)
	}
}

func TestPathsThatSSHWouldExpandAreRefused(t *testing.T) {
	for _, path := range []string{"/keys/%h", "~/.ssh/id", "-v", `/a"b`, "/a\nb", "/${HOME}/x"} {
		for _, remote := range []Remote{{KeyFile: path}, {KnownHostsFile: path}} {
			remote.URL = "git@forge.example:gallery.git"
			if _, err := New(t.TempDir(), remote); err == nil {
				t.Errorf("%+v is taken", remote)
			}
		}
	}
}

func TestFailuresOfSSHAreExplained(t *testing.T) {
	for says, hint := range map[string]string{
		"Host key verification failed.":                          "known_hosts",
		"git@forge.example: Permission denied (publickey).":      "deploy key",
		"ssh: Could not resolve hostname forge.example: x":       "network",
		"ERROR: Repository not found.":                           "repository.url",
		"ssh: connect to host forge port 22: Connection refused": "network",
	} {
		r := open(t, Remote{URL: "git@forge.example:gallery.git"})
		r.SSH = script(t, "echo '"+says+"' >&2; exit 255")
		_, err := r.Resolve(testContext(t), "main")
		logged, ok := errors.AsType[*deploy.LoggedError](err)
		if !ok || !strings.Contains(errorHint(err), hint) || logged.Lines[0] != says {
			t.Errorf("%s: error is %v with hint %q", says, err, errorHint(err))
		}
	}
}

// hangingSSH is a remote whose ssh writes its process id and then never answers.
func hangingSSH(t *testing.T) (r *Repository, pid func() int) {
	file := filepath.Join(t.TempDir(), "pid")
	r = open(t, Remote{URL: "git@forge.example:gallery.git"})
	r.SSH = script(t, "echo waiting >&2; echo $$ > '"+file+"'; exec sleep 600")
	return r, func() int {
		text, _ := os.ReadFile(file)
		id, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return id
	}
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) }

// zombie tells whether the process has ended and waits for init to notice, which takes some containers long.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestCancellingAFetchEndsGitAndWhatItStarted(t *testing.T) {
	r, pid := hangingSSH(t)
	ctx, cancel := context.WithCancel(testContext(t))
	done := make(chan error)
	go func() {
		_, err := r.Fetch(ctx, "1234567890123456789012345678901234567890", nil)
		done <- err
	}()
	waitFor(t, "ssh to start", func() bool { return pid() != 0 })
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Fetch goes on")
	}
	waitFor(t, "ssh to end", func() bool { return gone(pid()) })
}

func TestAFetchThatTakesTooLongIsTold(t *testing.T) {
	r, pid := hangingSSH(t)
	r.FetchTimeout = 300 * time.Millisecond
	_, err := r.Fetch(testContext(t), "1234567890123456789012345678901234567890", nil)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "300ms") || errorHint(err) == "" {
		t.Errorf("error is %v", err)
	}
	if pid() != 0 {
		waitFor(t, "ssh to end", func() bool { return gone(pid()) })
	}
}

func TestWaitingForAnotherFetchEndsWithTheContext(t *testing.T) {
	r, pid := hangingSSH(t)
	ctx, cancel := context.WithCancel(testContext(t))
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Fetch(ctx, "1234567890123456789012345678901234567890", nil)
	}()
	waitFor(t, "ssh to start", func() bool { return pid() != 0 })
	short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
	defer stop()
	if _, err := r.Fetch(short, "1234567890123456789012345678901234567890", nil); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another fetch") {
		t.Errorf("error is %v", err)
	}
	cancel()
	<-done
}
