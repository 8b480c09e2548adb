package nginx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile puts content in the place of the file in one step: a reader sees the old file or the new one,
// also after a power cut. The temporary name has no ending that an include pattern would take in.
func writeFile(path string, content []byte) error {
	if err := replace(path, content); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func replace(path string, content []byte) error {
	staged, err := stage(path, content)
	if err != nil {
		return err
	}
	defer staged.discard()
	return staged.commit()
}

// staged is content on the disk, under a name of its own, that waits to take a file's place.
type staged struct{ temp, path string }

func stage(path string, content []byte) (staged, error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return staged{}, err
	}
	s := staged{temp: file.Name(), path: path}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Chmod(modeOf(path)), file.Sync(), file.Close()); err != nil {
		s.discard()
		return staged{}, err
	}
	return s, nil
}

func (s staged) commit() error {
	if err := os.Rename(s.temp, s.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(s.path))
}

// discard removes what has not been committed.
func (s staged) discard() { _ = os.Remove(s.temp) } // gone already when all went well

// modeOf keeps the mode of a file that is there; nginx's workers read new ones, so they are for everybody.
func modeOf(path string) fs.FileMode {
	info, err := os.Stat(path)
	if err != nil {
		return 0o644
	}
	return info.Mode().Perm()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// restoreFile puts back what was there before: content, or no file where content is nil.
func restoreFile(path string, content []byte) error {
	if content != nil {
		return writeFile(path, content)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

// readIfThere returns nil for a file that does not exist.
func readIfThere(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}
