package nginx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// door is one of the router's ways in: a socket for requests, and one for the streams among them. The kernel tells of
// each connection the name of the socket that it came in by. So each hold opens another door than the one before it, and
// which connections are from before the hold is known for sure, also of one that no worker has looked at yet.
//
// The router listens at all doors, all the time. The edge knows the names of the front door alone; the name leads to
// another one when it is a symbolic link. A router that starts makes the front door anew, under its own name.
type door string

const (
	frontDoor door = "router"
	doorA     door = "router-a"
	doorB     door = "router-b"
)

func (d door) requests() string { return string(d) + ".sock" }
func (d door) streams() string  { return string(d) + "-streams.sock" }

// allDoors are the sockets of all doors.
func allDoors() (sockets []string) {
	for _, d := range []door{frontDoor, doorA, doorB} {
		sockets = append(sockets, d.requests(), d.streams())
	}
	return sockets
}

// next is the door to open after d. There is time between two holds for what came in by the one before d to be gone, or
// to be known as what stays.
func (d door) next() door {
	if d == doorA {
		return doorB
	}
	return doorA
}

// openDoor is the door by which connections come in.
func (r *Router) openDoor() door {
	target, err := os.Readlink(r.settings.run(frontDoor.requests()))
	if err != nil {
		return frontDoor // the socket itself
	}
	for _, d := range []door{doorA, doorB} {
		if target == d.requests() {
			return d
		}
	}
	return frontDoor
}

// open makes connections come in by the door from now on. It does nothing where they do already.
func (r *Router) open(d door) error {
	return errors.Join(
		lead(r.settings.run(frontDoor.requests()), d.requests()),
		lead(r.settings.run(frontDoor.streams()), d.streams()),
	)
}

// lead makes the path a symbolic link to the target beside it, in one step.
func lead(path, target string) error {
	if now, err := os.Readlink(path); err == nil && now == target {
		return nil
	}
	temp := path + ".next"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open the router's door: %w", err)
	}
	if err := errors.Join(os.Symlink(target, temp), os.Rename(temp, path)); err != nil {
		return fmt.Errorf("open the router's door: %w", err)
	}
	return nil
}
