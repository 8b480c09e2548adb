package redisync

import (
	"io"
	"slices"
	"strings"
)

// told collects the selected keys that others than a connection have written, as the server tells that connection.
type told struct {
	keys selection
	// written are those keys, each once. all tells that it may have been any.
	written map[string]struct{}
	all     bool
}

// maxTold bounds how many keys are remembered by name.
const maxTold = 100_000

// track has the server tell which selected keys others write from now on: by client-side caching in broadcast mode
// (https://redis.io/docs/latest/develop/reference/client-side-caching/), which leaves out what this connection writes
// itself. It needs redis 6.0. Keys that expire are told as well.
func (c *conn) track(keys selection) error {
	c.send("HELLO", "3")
	if err := c.ask(); err != nil {
		return err
	}
	c.told = &told{keys: keys, written: map[string]struct{}{}}
	command := []string{"CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP"}
	for _, prefix := range keys.prefixes() {
		command = append(command, "PREFIX", prefix)
	}
	c.send(command...)
	return c.ask()
}

// prefixes are what selected keys begin with; none is the beginning of another, as redis wants it.
func (s selection) prefixes() []string {
	all := slices.Clone(s.names)
	for _, glob := range s.globs {
		if i := strings.IndexAny(glob, `*?[\`); i >= 0 {
			glob = glob[:i]
		}
		all = append(all, glob)
	}
	slices.Sort(all)
	var few []string
	for _, prefix := range all {
		if len(few) == 0 || !strings.HasPrefix(prefix, few[len(few)-1]) {
			few = append(few, prefix)
		}
	}
	return few
}

// strays returns what others have written since it was last asked. What was acknowledged to them before is in it: an
// answer to a command may leave the server before what it tells about the same moment, so two are waited for.
func (c *conn) strays() (keys []string, all bool, err error) {
	if c.told == nil {
		return nil, false, nil
	}
	for range 2 {
		c.send("PING")
		if err := c.ask(); err != nil {
			return nil, false, err
		}
	}
	keys, all = c.told.take()
	return keys, all, nil
}

func (t *told) take() (keys []string, all bool) {
	if len(t.written) == 0 && !t.all {
		return nil, false
	}
	for key := range t.written {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	all = t.all
	t.written, t.all = map[string]struct{}{}, false
	return keys, all
}

// giveBack takes back what nobody could see to.
func (t *told) giveBack(keys []string, all bool) {
	for _, key := range keys {
		t.add(key)
	}
	t.all = t.all || all
}

// push takes in a message whose first line has been read: its kind and, for invalidate, a list of keys or nothing for
// all of them.
func (c *conn) push(first []byte) error {
	n, ok := parseInt(first[1:])
	if !ok || n < 1 {
		return c.fail(errProtocol)
	}
	kind, err := c.pushedBulk()
	if err != nil {
		return err
	}
	if kind != "invalidate" || n != 2 {
		return c.fail(errProtocol) // nothing else was asked for
	}
	list, err := c.plainLine()
	if err != nil {
		return err
	}
	if list[0] == '_' {
		c.told.all = true
		return nil
	}
	count, ok := parseInt(list[1:])
	if list[0] != '*' || !ok {
		return c.fail(errProtocol)
	}
	for range count {
		key, err := c.pushedBulk()
		if err != nil {
			return err
		}
		c.told.add(key)
	}
	return nil
}

func (t *told) add(key string) {
	switch {
	case !t.keys.has([]byte(key)):
	case len(t.written) >= maxTold:
		t.all = true
	default:
		t.written[key] = struct{}{}
	}
}

func (c *conn) pushedBulk() (string, error) {
	l, err := c.plainLine()
	if err != nil {
		return "", err
	}
	n, ok := parseInt(l[1:])
	if l[0] != '$' || !ok || n < 0 || !plausible('$', n) {
		return "", c.fail(errProtocol)
	}
	text := make([]byte, n+2)
	if _, err := io.ReadFull(c.r, text); err != nil {
		return "", c.fail(err)
	}
	return string(text[:n]), nil
}
