package redisync

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	spoolMemory = 4 << 20 // what waits in memory, in bytes; more goes to a file
	spoolTaken  = 1 << 20 // what one take reads back from the file at most
)

// spool holds the part of a source's stream that has arrived and is not carried out yet. The source drops a replica
// that reads too slowly, so what arrives is always taken: into memory, and past a bound into a file without a name.
type spool struct {
	mu     sync.Mutex
	memory []byte
	spare  []byte // a buffer that was taken and given back
	file   *os.File
	read   int64 // where the next take begins in the file
	wrote  int64 // how much of the file is filled
	since  time.Time
	end    error // why no more will arrive
	ready  chan struct{}
}

func newSpool() *spool { return &spool{ready: make(chan struct{}, 1)} }

// put adds what has arrived.
func (s *spool) put(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held() == 0 {
		s.since = time.Now()
	}
	defer s.ring()
	if s.wrote == s.read && len(s.memory)+len(b) <= spoolMemory {
		s.memory = append(s.memory, b...)
		return nil
	}
	return s.spill(b)
}

// spill appends to the file, which stays in use until everything in it has been taken.
func (s *spool) spill(b []byte) error {
	if s.file == nil {
		file, err := os.CreateTemp("", "verdigris-spool-")
		if err != nil {
			return fmt.Errorf("keep what the standby is too slow for: %w", err)
		}
		os.Remove(file.Name()) // it lives as long as it is open
		s.file = file
	}
	n, err := s.file.WriteAt(b, s.wrote)
	s.wrote += int64(n)
	if err != nil {
		return fmt.Errorf("keep what the standby is too slow for: %w", err)
	}
	return nil
}

// take returns the oldest of what has arrived, and when the first of it did; nothing if there is none. With nothing
// left and no more to come it returns the reason. What was taken before may be given back, to be used again.
func (s *spool) take(back []byte) (data []byte, since time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cap(back) <= spoolTaken {
		s.spare = back[:0]
	}
	since = s.since
	switch {
	case len(s.memory) > 0:
		data, s.memory, s.spare = s.memory, s.spare, nil
	case s.read < s.wrote:
		if data, err = s.unspill(); err != nil {
			return nil, since, err
		}
	default:
		return nil, time.Time{}, s.end
	}
	s.since = time.Now()              // of what is left it is not known better
	if s.held() > 0 || s.end != nil { // the reason has to be heard too, and may have been told together with the data
		s.ring()
	}
	return data, since, nil
}

func (s *spool) unspill() ([]byte, error) {
	data := make([]byte, min(s.wrote-s.read, spoolTaken))
	if _, err := io.ReadFull(io.NewSectionReader(s.file, s.read, int64(len(data))), data); err != nil {
		return nil, fmt.Errorf("read back what the standby was too slow for: %w", err)
	}
	s.read += int64(len(data))
	if s.read == s.wrote {
		s.read, s.wrote = 0, 0
		s.file.Close()
		s.file = nil
	}
	return data, nil
}

// finish says that no more will arrive, and why.
func (s *spool) finish(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end == nil {
		s.end = why
	}
	s.ring()
}

// close gives the file up.
func (s *spool) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		s.file.Close()
		s.file, s.read, s.wrote = nil, 0, 0
	}
}

// waiting tells how many bytes wait, and since when the oldest of them do.
func (s *spool) waiting() (bytes int64, since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held(), s.since
}

func (s *spool) held() int64 { return int64(len(s.memory)) + s.wrote - s.read }

func (s *spool) ring() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}
