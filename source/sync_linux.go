package source

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// syncTree brings everything in the folder's file system to disk, which takes one call where fsync takes one for each file.
func syncTree(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := unix.Syncfs(int(folder.Fd())); err != nil {
		return fmt.Errorf("bring %s to disk: %w", dir, err)
	}
	return nil
}
