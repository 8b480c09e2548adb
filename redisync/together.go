package redisync

import "bytes"

// run is a part of a batch that the target does by one command: its commands from first to before end. To a target, a
// command of a transaction costs more by being one than by what it does, and busy writers do the same again and again.
type run struct{ first, end int }

// joined tells whether the run is of several commands.
func (r run) joined() bool { return r.end-r.first > 1 }

// maxWords bounds the words of a run; redis takes 1,048,576 in a command, and from redis 7.0 on more.
const maxWords = 16 << 10

// runs cuts a batch into runs and appends them to cut.
func runs(batch []command, cut []run) []run {
	var last kind
	words := 0
	for i, c := range batch {
		k := kindOf(c)
		words += len(c)
		if i > 0 && k.name != "" && k == last && words <= maxWords && (k.shared == 1 || bytes.Equal(c[1], batch[i-1][1])) {
			cut[len(cut)-1].end++
			continue
		}
		cut, last, words = append(cut, run{i, i + 1}), k, len(c)
	}
	return cut
}

// singly makes each command of a batch a run of its own.
func singly(batch []command, cut []run) []run {
	for i := range batch {
		cut = append(cut, run{i, i + 1})
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
	k := kindOf(commands[0])
	n := k.shared
	for _, one := range commands {
		n += len(one) - k.shared
	}
	c.head('*', int64(n))
	c.arg(k.name)
	c.wordsOf(commands[0][1:k.shared])
	for _, one := range commands {
		c.wordsOf(one[k.shared:])
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
