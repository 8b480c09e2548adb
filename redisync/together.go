package redisync

import "bytes"

// run is a part of a batch that the target does by one command: its commands from first to before end. To a target, a
// command of a transaction costs more by being one than by what it does, and busy writers do the same again and again.
type run struct{ first, end int }

// runs cuts a batch into runs and appends them to cut.
func runs(batch []command, cut []run) []run {
	var last kind
	for i, c := range batch {
		s := kindOf(c)
		if i > 0 && s.name != "" && s == last && (s.shared == 1 || bytes.Equal(c[1], batch[i-1][1])) {
			cut[len(cut)-1].end++
			continue
		}
		cut, last = append(cut, run{i, i + 1}), s
	}
	return cut
}

// kind is what commands are that may be done together: which command does several of them, and how many of its first
// words they share.
type kind struct {
	name   string // empty for a command that stands alone
	shared int
}

// kindOf tells the kind of a command. Together, commands of the same kind leave what they would leave one after another.
func kindOf(c command) kind {
	switch {
	case is(c[0], "SET") && len(c) == 3: // without options
		return kind{"MSET", 1}
	case is(c[0], "RPUSH"):
		return kind{"RPUSH", 2}
	case is(c[0], "LPUSH"):
		return kind{"LPUSH", 2}
	case is(c[0], "HSET"):
		return kind{"HSET", 2}
	case is(c[0], "SADD"):
		return kind{"SADD", 2}
	case is(c[0], "DEL"):
		return kind{"DEL", 1}
	case is(c[0], "UNLINK"):
		return kind{"UNLINK", 1}
	}
	return kind{}
}

// sendRun writes the command that does all of a run.
func (c *conn) sendRun(commands []command) {
	if len(commands) == 1 {
		c.words(commands[0])
		return
	}
	s := kindOf(commands[0])
	n := s.shared
	for _, one := range commands {
		n += len(one) - s.shared
	}
	c.head('*', int64(n))
	c.arg(s.name)
	c.wordsOf(commands[0][1:s.shared])
	for _, one := range commands {
		c.wordsOf(one[s.shared:])
	}
}

// words writes a command whose arguments are bytes.
func (c *conn) words(args command) {
	c.head('*', int64(len(args)))
	c.wordsOf(args)
}

func (c *conn) wordsOf(args [][]byte) {
	for _, arg := range args {
		c.head('$', int64(len(arg)))
		c.w.Write(arg)
		c.w.WriteString("\r\n")
	}
}
