package compose

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
)

// copied is a file that the container is given by copying.
type copied struct {
	ref     types.FileReferenceConfig // with its absolute target
	content string
}

// defaultFileMode is that of a copied file, as the Compose specification has it.
const defaultFileMode = 0o444

// copyFiles copies the blueprint's files into the container that was made from it.
func (e *Engine) copyFiles(ctx context.Context, id string, b *blueprint) error {
	for _, f := range b.files {
		archive, err := f.archive(time.Now())
		if err != nil {
			return fmt.Errorf("write %s: %w", f.ref.Target, err)
		}
		err = e.do(ctx, fmt.Sprintf("copy %s into container %s", f.ref.Target, b.Name), func(ctx context.Context) error {
			// With an owner in the file Compose asks for this too; the engine then gives the file to the container's user.
			options := container.CopyToContainerOptions{CopyUIDGID: f.ref.UID != "" || f.ref.GID != ""}
			return e.client.CopyToContainer(ctx, id, "/", archive, options)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// archive is the tar that the engine unpacks at the container's root.
func (f copied) archive(now time.Time) (*bytes.Buffer, error) {
	header := &tar.Header{Name: f.ref.Target, Size: int64(len(f.content)), Mode: defaultFileMode, ModTime: now}
	if f.ref.Mode != nil {
		header.Mode = int64(*f.ref.Mode)
	}
	var err error
	if header.Uid, err = ownerID(f.ref.UID); err != nil {
		return nil, err
	}
	if header.Gid, err = ownerID(f.ref.GID); err != nil {
		return nil, err
	}
	out := &bytes.Buffer{}
	w := tar.NewWriter(out)
	if err := w.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := w.Write([]byte(f.content)); err != nil {
		return nil, err
	}
	return out, w.Close()
}

// ownerID reads the number of a user or group; without one it is root.
func ownerID(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	id, err := strconv.Atoi(text)
	if err != nil || id < 0 {
		return 0, fmt.Errorf("uid and gid are numbers, not %q", text)
	}
	return id, nil
}
