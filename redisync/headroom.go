package redisync

import (
	"context"
	"fmt"
)

// checkHeadroom refuses a target whose memory limit the selected keys would break: it would refuse writes half
// way through, or evict keys that nobody wanted to lose. Counted is what redis says its keys take, and a tenth
// more; the target's own selected keys make room as they are replaced, all but the largest, which stays until
// its successor is complete.
func (t *transfer) checkHeadroom(ctx context.Context, from, to *conn) error {
	limit := t.to.info.number("maxmemory")
	if limit == 0 {
		return nil
	}
	need, largest, err := from.weigh(ctx, t.keys)
	if err != nil {
		return err
	}
	has, _, err := to.weigh(ctx, t.keys)
	if err != nil {
		return err
	}
	after := t.to.info.number("used_memory") - has + need + need/10 + largest
	if after <= limit || need == 0 {
		return nil
	}
	return refuse(ctx, t.to, fmt.Sprintf("the selected keys take %d MB and would bring it to %d MB, past its maxmemory of %d MB",
		megabytes(need), megabytes(after), megabytes(limit)),
		fmt.Sprintf("raise maxmemory of the redis of %s, or remove keys that it does not need", t.to.slice))
}

// weigh returns how much memory the selected keys take by the server's own estimate, together and the largest alone.
func (c *conn) weigh(ctx context.Context, keys selection) (sum, largest int64, err error) {
	err = c.side.walk(ctx, keys, func(batch []string) error {
		sizes, err := c.sizes(batch)
		for _, size := range sizes {
			sum += max(0, size)
			largest = max(largest, size)
		}
		return err
	})
	return sum, largest, err
}

// sizes returns how much memory each key takes, in bytes; -1 for a key that does not exist.
func (c *conn) sizes(keys []string) ([]int64, error) {
	for _, key := range keys {
		c.send("MEMORY", "USAGE", key)
	}
	if err := c.flush(); err != nil {
		return nil, err
	}
	sizes := make([]int64, len(keys))
	for i := range keys {
		l, err := c.line()
		if err != nil {
			return nil, err
		}
		n, ok := parseInt(l[1:])
		switch {
		case l[0] == '-':
			return nil, c.fail(replyError(l[1:]))
		case !ok || l[0] != ':' && n != -1:
			return nil, c.fail(errProtocol)
		}
		sizes[i] = n
	}
	return sizes, nil
}

func megabytes(bytes int64) int64 { return (bytes + 1<<20 - 1) >> 20 }
