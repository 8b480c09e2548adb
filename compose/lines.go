package compose

import (
	"bytes"
	"strings"

	"verdigris/deploy"
)

// maxLine bounds one line of a log; a longer one comes in pieces.
const maxLine = 64 << 10

// lineSink hands complete lines on.
type lineSink struct {
	line    func(string) error
	pending []byte
}

func (s *lineSink) Write(p []byte) (int, error) {
	s.pending = append(s.pending, p...)
	for {
		end := bytes.IndexByte(s.pending, '\n')
		if end < 0 && len(s.pending) < maxLine {
			return len(p), nil
		}
		if end < 0 || end >= maxLine {
			end = maxLine - 1
		}
		text := strings.TrimRight(string(s.pending[:end+1]), "\r\n")
		s.pending = s.pending[end+1:]
		if err := s.line(text); err != nil {
			return len(p), err
		}
	}
}

// flush hands on what came without a newline at the end.
func (s *lineSink) flush() error {
	if len(s.pending) == 0 {
		return nil
	}
	text := string(s.pending)
	s.pending = nil
	return s.line(text)
}

// said returns a sink that hands on the lines that are not empty.
func said(log deploy.Log) *lineSink {
	return &lineSink{line: func(text string) error {
		if strings.TrimSpace(text) != "" {
			log(text)
		}
		return nil
	}}
}
