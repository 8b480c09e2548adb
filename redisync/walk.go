package redisync

import (
	"cmp"
	"context"
	"slices"
	"strconv"
)

// batchSize is how many keys travel together, and how many slots one SCAN looks at: half a millisecond of the
// server's time.
const batchSize = 500

// walk calls visit with the selected keys of the server, a batch at a time: all exact names, whether they exist
// or not, then what the globs find. A key that is there all the while comes at least once; memory does not grow
// with their number.
func (s *server) walk(ctx context.Context, keys selection, visit func(batch) error) error {
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	for names := range slices.Chunk(keys.names, batchSize) {
		found, err := c.weighed(names)
		if err != nil {
			return err
		}
		if err := visit(found); err != nil {
			return err
		}
	}
	return c.walkGlobs(keys, visit)
}

// walkGlobs does the same for the globs alone.
func (c *conn) walkGlobs(keys selection, visit func(batch) error) error {
	for i, glob := range keys.globs {
		selected := func(key string) bool { return keys.foundBy(i, key) }
		if err := c.walkGlob(glob, selected, visit); err != nil {
			return err
		}
	}
	return nil
}

// walkGlob asks for the sizes of the keys at hand and for the next keys in one go. The server has just had these
// keys in hand, so that their sizes cost it less than later, and it has something to do while a batch is taken.
func (c *conn) walkGlob(glob string, selected func(key string) bool, visit func(batch) error) error {
	c.sendScan("0", glob)
	if err := c.flush(); err != nil {
		return err
	}
	for cursor := ""; cursor != "0"; {
		next, found, err := c.readScan()
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(key string) bool { return !selected(key) })
		c.sendSizes(found)
		if cursor = next; cursor != "0" {
			c.sendScan(cursor, glob)
		}
		if err := c.flush(); err != nil {
			return err
		}
		sizes, err := c.readSizes(len(found))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			continue
		}
		if err := visit(batch{found, sizes}); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) sendScan(cursor, glob string) {
	c.send("SCAN", cursor, "MATCH", glob, "COUNT", strconv.Itoa(batchSize))
}

func (c *conn) readScan() (next string, keys []string, err error) {
	if n, err := c.expect('*'); err != nil || n != 2 {
		return "", nil, c.fail(cmp.Or(err, errProtocol))
	}
	cursor, _, err := c.bulk()
	if err != nil {
		return "", nil, err
	}
	keys, err = c.bulks()
	return string(cursor), keys, err
}
