package compose

import (
	"fmt"
	"os"
	"path/filepath"

	"verdigris/deploy"
)

// refuseElsewhere returns an error when one of the project's containers was started from another directory: two sites
// of the same name would take each other's containers away, the live ones too. A directory that is gone has been
// moved, and its containers are taken over.
func refuseElsewhere(project, dir string, containers []found) error {
	for _, c := range containers {
		other := c.labels[labelDir]
		if other == "" || other == dir || !isAnother(other, dir) {
			continue
		}
		return &deploy.ConflictError{
			Reason: fmt.Sprintf("%s belongs to project %s of the verdigris.yml in %s, not to the one in %s", c.name, project, other, dir),
			Next:   fmt.Sprintf("work in %s, or give the app here another name", filepath.Clean(other)),
		}
	}
	return nil
}

// isAnother tells whether other is still there and is not the same directory by another path.
func isAnother(other, dir string) bool {
	there, err := os.Stat(other)
	if err != nil {
		return false
	}
	here, err := os.Stat(dir)
	return err == nil && !os.SameFile(there, here)
}
