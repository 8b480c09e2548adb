package load

import (
	"errors"
	"net"
)

// plain leaves the addresses out of a network's error: with a port of its own in each, no two failures would say the same.
func plain(err error) error {
	for op := (*net.OpError)(nil); errors.As(err, &op); {
		err = op.Err
	}
	return err
}
