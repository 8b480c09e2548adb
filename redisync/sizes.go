package redisync

// batch is keys that travel together, and what each of them takes of the server's memory.
type batch struct {
	keys  []string
	sizes []int64 // in bytes, by the server's own estimate; -1 for a key that does not exist
}

// weighed asks for the sizes of keys.
func (c *conn) weighed(keys []string) (batch, error) {
	sizes, err := c.sizes(keys)
	return batch{keys, sizes}, err
}

// sizes returns how much memory each key takes, in bytes; -1 for a key that does not exist.
func (c *conn) sizes(keys []string) ([]int64, error) {
	c.sendSizes(keys)
	if err := c.flush(); err != nil {
		return nil, err
	}
	return c.readSizes(len(keys))
}

func (c *conn) sendSizes(keys []string) {
	for _, key := range keys {
		c.send("MEMORY", "USAGE", key)
	}
}

func (c *conn) readSizes(n int) ([]int64, error) {
	sizes := make([]int64, n)
	for i := range sizes {
		l, err := c.line()
		if err != nil {
			return nil, err
		}
		size, ok := parseInt(l[1:])
		switch {
		case l[0] == '-':
			return nil, c.fail(replyError(l[1:]))
		case !ok || l[0] != ':' && size != -1:
			return nil, c.fail(errProtocol)
		}
		sizes[i] = size
	}
	return sizes, nil
}
