package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// stop ends verdigris with a signal and waits for its end.
func (s *site) stop(signal syscall.Signal) {
	s.t.Helper()
	if err := s.end(signal); err != nil {
		s.t.Errorf("%v\n%s", err, s.log)
	}
}

func (s *site) end(signal syscall.Signal) error {
	if s.serve == nil {
		return nil
	}
	_ = s.serve.Process.Signal(signal) // it may have ended by itself
	done := make(chan error, 1)
	go func() { done <- s.serve.Wait() }()
	defer func() { s.serve = nil }()
	select {
	case <-done:
		return nil
	case <-time.After(70 * time.Second):
		_ = s.serve.Process.Kill()
		return errors.New("verdigris did not stop within 70 s")
	}
}

// remove removes the site at the end of its test, and logs what verdigris said if the test has failed.
func (s *site) remove() {
	err := s.discard()
	if err != nil {
		s.t.Errorf("remove %s: %v", s.app, err)
	}
	if !s.t.Failed() {
		return
	}
	for line := range strings.Lines(s.log.String()[s.logged:]) {
		if !strings.Contains(line, "msg=request") || !strings.Contains(line, "method=GET") {
			s.t.Log(strings.TrimSpace(line))
		}
	}
}

// discard takes everything of the site out of Docker, and gives back its ports and its folder. Containers are killed: how
// they stop is for the tests to see.
func (s *site) discard() error {
	errs := []error{s.end(syscall.SIGTERM)}
	for _, kind := range []struct{ list, remove []string }{
		{[]string{"ps", "-aq", "--filter", "name=" + s.app}, []string{"rm", "-fv"}},
		{[]string{"network", "ls", "-q", "--filter", "name=" + s.app}, []string{"network", "rm"}},
		{[]string{"volume", "ls", "-q", "--filter", "name=" + s.app}, []string{"volume", "rm"}},
		// By label and by name: what another program has built from the same files has no label of ours.
		{[]string{"images", "-q", "--filter", "label=verdigris.app=" + s.app}, []string{"rmi", "-f"}},
		{[]string{"images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=" + s.app}, []string{"rmi", "-f"}},
	} {
		errs = append(errs, removeListed(kind.list, kind.remove))
	}
	s.release()
	return errors.Join(errs...)
}

// release gives back the site's ports and its folder.
func (s *site) release() {
	for _, clean := range slices.Backward(s.cleanups) {
		clean()
	}
}

// removeListed removes with one command what another one lists.
func removeListed(list, remove []string) error {
	out, err := exec.Command("docker", list...).Output()
	if err != nil {
		return fmt.Errorf("docker %s: %w", strings.Join(list, " "), err)
	}
	names := strings.Fields(string(out))
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names) // an image with several tags is listed several times
	args := slices.Concat(remove, slices.Compact(names))
	if out, err := exec.Command("docker", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("docker %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
