package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"verdigris/deploy"
)

// temporaryPrefix marks folders below releases that are being made or removed; nobody takes them for a checkout.
const temporaryPrefix = ".tmp-"

// checkout returns the folder with the commit's files. It is made under another name and gets its own when all the
// files are on disk, so that what a kill or a power cut leaves is never taken for a checkout.
func (s *session) checkout(ctx context.Context, info commitInfo) (string, error) {
	final := s.releaseDir(info.id)
	switch existing, err := os.Lstat(final); {
	case err == nil && existing.IsDir():
		return final, nil
	case err == nil:
		return "", &deploy.HintedError{Err: fmt.Errorf("check out commit: %s is not a folder", final), Next: "remove it and deploy again"}
	case !errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("check out commit: %w", err)
	}
	temporary, err := os.MkdirTemp(s.releases(), temporaryPrefix)
	if err != nil {
		return "", fmt.Errorf("check out commit: %w", err)
	}
	defer os.RemoveAll(temporary) // gone already when all went well
	files, err := s.extract(ctx, info, temporary)
	if err != nil {
		return "", err
	}
	if err := publish(temporary, final); err != nil {
		return "", fmt.Errorf("check out commit: %w", err)
	}
	s.tell(fmt.Sprintf("checked out %s: %d files", info.id.Short(), files))
	return final, nil
}

// extract pipes git archive into dir. The archive holds what the commit holds and nothing of its submodules.
func (s *session) extract(ctx context.Context, info commitInfo, dir string) (files int, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, fmt.Errorf("check out commit: %w", err)
	}
	defer root.Close()
	x := extraction{root: root, time: info.time}
	_, err = s.git(ctx, command{
		verb:    "check out commit",
		args:    []string{"archive", "--format=tar", string(info.id)},
		timeout: s.FetchTimeout,
		read:    func(archive io.Reader) error { return x.run(archive) },
	})
	return x.files, err
}

// publish gives a finished folder its name, after everything in it is on disk.
func publish(temporary, final string) error {
	if err := syncTree(temporary); err != nil {
		return err
	}
	if err := os.Rename(temporary, final); err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(final))
	if err != nil {
		return err
	}
	defer parent.Close()
	return parent.Sync()
}
