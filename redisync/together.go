package redisync

import "bytes"

// run is a part of a batch that the target does by one command: its commands from first to before end. To a target, a
// command of a transaction costs more by being one than by what it does, and busy writers do the same again and again.
type run struct{ first, end int }

// joined tells whether the run is of several commands.
func (r run) joined() bool { return r.end-r.first > 1 }

// maxWords bounds the words of a run; redis takes 1,048,576 in a command, and from redis 7.0 on more.
const maxWords = 16 << 10

// runs cuts a batch into runs, or into its commands if they are to stay apart, and appends them to cut.
func runs(batch []command, apart bool, cut []run) []run {
	var last kind
	words := 0
	for i, c := range batch {
		k := kindOf(c)
		words += len(c)
		if i > 0 && !apart && k.name != "" && k == last && words <= maxWords && (k.shared == 1 || bytes.Equal(c[1], batch[i-1][1])) {
			cut[len(cut)-1].end++
			continue
		}
		cut, last, words = append(cut, run{i, i + 1}), k, len(c)
	}
	return cut
}

// kind is what commands are that may be done together: which command does several of them, and how many of its first
// words they share.
type kind struct {
	name   string // empty for a command that stands alone
	shared int
}

// kinds are those whose commands go by the name of the one that does several; SET is another.
var kinds = []kind{{"RPUSH", 2}, {"LPUSH", 2}, {"HSET", 2}, {"SADD", 2}, {"DEL", 1}, {"UNLINK", 1}}

// kindOf tells the kind of a command. Together, commands of the same kind leave what they would leave one after another.
func kindOf(c command) kind {
	if is(c[0], "SET") && len(c) == 3 { // without options
		return kind{"MSET", 1}
	}
	for _, k := range kinds {
		if is(c[0], k.name) {
			return k
		}
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
