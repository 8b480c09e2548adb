package compose

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// dockerignore ends the name of the file that says what a build leaves out; that of a Dockerfile goes before the
// context's.
const dockerignore = ".dockerignore"

// dockerfileOnDisk returns the Dockerfile's path; one that is inline is written to a directory that clean removes.
func dockerfileOnDisk(job recipe) (path string, clean func(), err error) {
	if len(job.inline) == 0 {
		return job.dockerfile, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "verdigris-build-")
	if err != nil {
		return "", nil, fmt.Errorf("write inline Dockerfile: %w", err)
	}
	clean = func() { os.RemoveAll(dir) }
	path = filepath.Join(dir, "Dockerfile")
	if err := errors.Join(os.WriteFile(path, job.inline, 0o600), job.writeDockerignore(path)); err != nil {
		clean()
		return "", nil, fmt.Errorf("write inline Dockerfile: %w", err)
	}
	return path, clean, nil
}

// writeDockerignore puts the .dockerignore of the Dockerfile that the inline one replaces beside it.
func (job recipe) writeDockerignore(path string) error {
	if job.dockerfile == "" {
		return nil
	}
	content, err := os.ReadFile(job.dockerfile + dockerignore)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return errors.Join(err, os.WriteFile(path+dockerignore, content, 0o600))
}

// dockerfileText reads the Dockerfile of a local context.
func (job recipe) dockerfileText() ([]byte, error) {
	if len(job.inline) > 0 {
		return job.inline, nil
	}
	text, err := os.ReadFile(job.dockerfile)
	if err != nil {
		return nil, fmt.Errorf("read Dockerfile: %w", err)
	}
	return text, nil
}
