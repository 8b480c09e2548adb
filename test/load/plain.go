package load

import (
	"errors"
	"io"
	"net"
)

// plain leaves the addresses out of a network's error: with a port of its own in each, no two failures would say the same.
func plain(err error) error {
	for op := (*net.OpError)(nil); errors.As(err, &op); {
		err = op.Err
	}
	return err
}

// sink keeps the error of a failed write, which net/http wraps in one that cannot be taken off again.
type sink struct {
	to  io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.err = err
	return n, err
}
