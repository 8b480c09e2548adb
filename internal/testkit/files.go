package testkit

import (
	"os"
	"path/filepath"
	"testing"
)

// ShortDir is a temporary directory whose path is short enough for the unix sockets in it (108 bytes, unix(7)), and which
// other users, such as nginx's workers, may enter.
func ShortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "vg")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Read returns the content of a file.
func Read(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	Must(t, err)
	return string(content)
}

// Write writes a file, and makes the directories that lead to it.
func Write(t testing.TB, path, content string) {
	t.Helper()
	Must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	Must(t, os.WriteFile(path, []byte(content), 0o644))
}
