package source

import (
	"archive/tar"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// extraction writes one archive below root. An os.Root keeps every write inside, whatever symbolic links the
// commit brings; the links themselves stay as they were committed.
type extraction struct {
	root    *os.Root
	time    time.Time
	folders []string
	files   int
}

func (x *extraction) run(archive io.Reader) error {
	entries := tar.NewReader(archive)
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		if err := x.entry(entry, entries); err != nil {
			return fmt.Errorf("write %q: %w", entry.Name, err)
		}
	}
	// git pads its archives: what is left unread would make it fail.
	if _, err := io.Copy(io.Discard, archive); err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	return x.finishFolders()
}

func (x *extraction) entry(entry *tar.Header, content io.Reader) error {
	if entry.Typeflag == tar.TypeXGlobalHeader { // the commit id
		return nil
	}
	name := strings.TrimSuffix(entry.Name, "/")
	if err := checkName(name); err != nil {
		return err
	}
	switch entry.Typeflag {
	case tar.TypeDir:
		x.folders = append(x.folders, name)
		return x.root.Mkdir(name, 0o755)
	case tar.TypeReg:
		x.files++
		return x.file(name, entry.Mode&0o111 != 0, content)
	case tar.TypeSymlink:
		x.files++
		return x.root.Symlink(entry.Linkname, name)
	}
	return fmt.Errorf("git archives hold no entries of type %q", entry.Typeflag)
}

// checkName refuses what git itself would not check out: a way out of the folder, and .git in any case, which
// would make programs take the checkout for a repository that the commit's author set up.
func checkName(name string) error {
	if !filepath.IsLocal(name) {
		return errors.New("the name leads out of the checkout")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." || strings.EqualFold(part, ".git") {
			return errors.New("the name is not allowed in a git repository")
		}
	}
	return nil
}

// file writes one file. Its permissions do not depend on verdigris' umask: containers read it as other users.
func (x *extraction) file(name string, executable bool, content io.Reader) (err error) {
	mode := os.FileMode(0o644)
	if executable {
		mode = 0o755
	}
	file, err := x.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := crc32.NewIEEE()
	if _, err := io.Copy(io.MultiWriter(file, sum), content); err != nil {
		return err
	}
	if err := file.Chmod(mode); err != nil {
		return err
	}
	at := x.modified(sum.Sum32())
	return x.root.Chtimes(name, at, at)
}

// modified is the commit's second, with a fraction that follows from the content. Builders that compare size and
// time alone would else take two versions for one when both were committed within a second.
func (x *extraction) modified(sum uint32) time.Time {
	return x.time.Add(time.Duration(sum % uint32(time.Second)))
}

// finishFolders comes last, because a file that is made changes its folder's time.
func (x *extraction) finishFolders() error {
	for _, name := range slices.Backward(append([]string{"."}, x.folders...)) {
		if err := x.root.Chmod(name, 0o755); err != nil {
			return fmt.Errorf("finish folder: %w", err)
		}
		if err := x.root.Chtimes(name, x.time, x.time); err != nil {
			return fmt.Errorf("finish folder: %w", err)
		}
	}
	return nil
}
